"""A fake provider, which knows its schema and does nothing: enough for `validate`, and for `test` with mocks.

Providers can't be had everywhere, their names and types can (`names/`). The program connects to it, as it does to a
provider under a debugger, and asks for the schema. A state that it is shown is returned as it is; whatever else it gets
has an empty answer, which means that there is no objection.
"""

import json
import os
from collections.abc import Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc

from infra.checks import names, protobuf
from infra.checks.bindings import Schema

SOURCES = {
    "digitalocean": "digitalocean/digitalocean",
    "aws": "hashicorp/aws",
    "google": "hashicorp/google",
    "helm": "hashicorp/helm",
}
WITH_NESTED_ATTRIBUTES = frozenset({"helm"})
"""Providers whose nested values are attributes (`kubernetes = {…}`), not blocks; bindings don't tell the two apart."""
SERVICE = "/tfplugin6.Provider/"
LIST = 2


@contextmanager
def serve_all(folder: Path) -> Iterator[dict[str, str]]:
    """Serve all providers on sockets in a folder; yield what the program's environment needs to use them."""
    types, _ = names.load()
    with ExitStack() as servers:
        places = {
            source: servers.enter_context(_serve(provider, types, folder)) for provider, source in SOURCES.items()
        }
        yield {"TF_REATTACH_PROVIDERS": json.dumps(places), "TF_VAR_state_passphrase": "only for this check"}


@contextmanager
def _serve(provider: str, types: Schema, folder: Path) -> Iterator[dict[str, Any]]:
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((_Provider(encode_provider(provider, types)),))
    address = str(folder / f"{provider}.sock")
    server.add_insecure_port(f"unix:{address}")
    server.start()
    try:
        place = {"Network": "unix", "String": address}
        yield {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": place}
    finally:
        server.stop(None)


class _Provider:
    """Answers what it is asked as the protocol's version 6 wants it."""

    def __init__(self, schema: bytes) -> None:
        self._schema = schema

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Return who answers the method; nobody does that of another service."""
        if not handler_call_details.method.startswith(SERVICE):
            return None
        method = handler_call_details.method.removeprefix(SERVICE)
        return grpc.unary_unary_rpc_method_handler(lambda request, context: self._answer(method, request))

    def _answer(self, method: str, request: bytes) -> bytes:
        match method:
            case "GetProviderSchema":
                return self._schema
            case "UpgradeResourceState":
                state = protobuf.decode(protobuf.decode(request)[3])[1]
                return protobuf.encode(1, protobuf.encode(2, state))
            case _:
                return b""


def encode_provider(provider: str, types: Schema) -> bytes:
    """Return the provider's schema as the message GetProviderSchema.Response of the plugin protocol, version 6."""
    has_blocks = provider not in WITH_NESTED_ATTRIBUTES
    message = b""
    for name, about in types.items():
        kind, _, rest = name.rpartition(".")
        if rest != provider and not rest.startswith(f"{provider}_"):
            continue
        attributes = {each: {"required": False, "computed": kind} for each, kind in about["attributes"].items()}
        # Where bindings don't say what a provider fills in, a data source fills in all that is not given.
        filled = {each for each, its in about["arguments"].items() if kind == "data" and "type" in its} | {"id"}
        schema = protobuf.encode(2, _encode_block({**about["arguments"], **attributes}, has_blocks, filled))
        if kind == "provider":
            message += protobuf.encode(1, schema)
        else:
            entry = protobuf.encode(1, rest.encode()) + protobuf.encode(2, schema)
            message += protobuf.encode(3 if kind == "data" else 2, entry)
    return message


def _encode_block(content: Schema, has_blocks: bool, filled: Set[str] = frozenset()) -> bytes:
    message = b""
    for name, about in content.items():
        if "block" in about and has_blocks:
            block = protobuf.encode(1, name.encode()) + protobuf.encode(2, _encode_block(about["block"], has_blocks))
            block += protobuf.encode(3, LIST) + protobuf.encode(4, int(about["required"]))
            message += protobuf.encode(3, block + protobuf.encode(5, int(not about["many"])))
        else:
            message += protobuf.encode(2, _encode_attribute(name, about, name in filled))
    return message


def _encode_attribute(name: str, about: Schema, is_filled: bool) -> bytes:
    kind = about.get("computed", about.get("type", "dynamic"))
    is_required, is_computed = about["required"], "computed" in about
    message = protobuf.encode(1, name.encode()) + protobuf.encode(2, json.dumps(kind).encode())
    message += protobuf.encode(4, int(is_required)) + protobuf.encode(5, int(not is_required and not is_computed))
    return message + protobuf.encode(6, int(is_computed or (is_filled and not is_required)))
