"""Names of types, arguments, blocks and attributes, compared with those that the providers' bindings have."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.checks import hcl
from infra.checks.bindings import NAMES, PROVIDERS, Schema

META = frozenset({"alias", "count", "for_each", "provider", "depends_on", "lifecycle", "provisioner", "connection"})
BUILT_IN = frozenset({"terraform_data"})
REFERENCE = re.compile(
    r"(?<![\w.])(?P<type>(?:data\.)?[a-z]+_[a-z0-9_]+)\.(?P<name>\w+)(?:\[[^\]]+\])?\.(?P<attribute>\w+)"
)


def load() -> tuple[Schema, dict[str, str]]:
    """Return all types that bindings were read for, and each provider's version."""
    types: Schema = {}
    versions = {}
    for provider in PROVIDERS:
        found = json.loads((NAMES / f"{provider}.json").read_text("utf-8"))
        types |= found["types"]
        versions[provider] = found["version"]
    return types, versions


def check(blocks: list[hcl.Block], types: Schema) -> Iterator[str]:
    """Yield every name that no provider has, and every required one that is missing."""
    for block in blocks:
        if block.kind in {"resource", "data", "provider"} and block.type not in BUILT_IN:
            if block.type in types:
                yield from _check_body(str(block), block.body, types[block.type]["arguments"], META)
            else:
                yield f"{block}: no provider has the type {block.type}"
        yield from _check_references(block, types)


def _check_body(
    where: str, body: Mapping[str, Any], known: Schema, of_all: frozenset[str] = frozenset()
) -> Iterator[str]:
    present = dict(hcl.names(body))
    for name, blocks in present.items():
        if name in of_all:
            continue
        if name not in known or "computed" in known[name]:
            yield f"{where}: there is no {name}"
        for each in blocks:
            if name in known and "block" not in known[name]:
                yield f"{where}: {name} is an argument, not a block"
            yield from (
                _check_body(f"{where}.{name}", each, known.get(name, {}).get("block", {})) if name in known else ()
            )
    for name, about in known.items():
        if about["required"] and name not in present:
            yield f"{where}: {name} is required"


def _check_references(block: hcl.Block, types: Schema) -> Iterator[str]:
    for text in hcl.strings(block.body):
        for match in REFERENCE.finditer(text):
            known = types.get(match["type"])
            if known and match["attribute"] not in {"id", *known["attributes"], *known["arguments"]}:
                yield f"{block}: {match['type']} has no attribute {match['attribute']}"
