"""The embedded MongoDB: SecantusDB on a folder, with a password that only the folder's owner can read."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from local.services.server import LOOPBACK, server, takes_connections
from local.services.shared import find_free_port, shared_server

USER = "pr-sentinel"
FOLDER = "mongo"
PASSWORD_FILE = "mongo.password"  # noqa: S105  a file's name
PASSWORD_BYTES = 32


@contextmanager
def mongo(state: Path) -> Iterator[str]:
    """Run SecantusDB on `state/mongo`, flushing every acknowledged write; yields its URI, with user and password."""

    def command(port: int) -> list[str]:
        if not any((state / FOLDER).glob("*")):
            (state / PASSWORD_FILE).unlink(missing_ok=True)  # its user was lost with the folder
        if not (state / PASSWORD_FILE).is_file():
            _create_user(state)
        return [*_build_command(state, port), "--auth"]

    with shared_server("mongo", state, command, lambda port: _answers(port, _format_uri(state, port))) as port:
        yield _format_uri(state, port)


def _create_user(state: Path) -> None:
    """Create the user, on a server that asks for no password yet, and keep its password in the folder."""
    port, password = find_free_port(), secrets.token_urlsafe(PASSWORD_BYTES)
    uri = f"mongodb://{LOOPBACK}:{port}"
    with (
        server("mongo-setup", _build_command(state, port), state, lambda: _answers(port, uri), port),
        MongoClient[dict[str, Any]](uri) as client,
    ):
        with suppress(OperationFailure):  # an attempt that was killed may have created it
            client.admin.command("dropUser", USER)
        client.admin.command("createUser", USER, pwd=password, roles=["root"])
    temporary = state / f".{PASSWORD_FILE}"
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(password)
    temporary.replace(state / PASSWORD_FILE)


def _build_command(state: Path, port: int) -> list[str]:
    place = ("--host", LOOPBACK, "--port", str(port), "--storage-path", str(state / FOLDER))
    return [str(Path(sys.executable).with_name("secantusd-py")), *place, "--sync-on-commit"]


def _format_uri(state: Path, port: int) -> str:
    password = (state / PASSWORD_FILE).read_text()
    return f"mongodb://{USER}:{password}@{LOOPBACK}:{port}/?authSource=admin&authMechanism=SCRAM-SHA-256"


def _answers(port: int, uri: str) -> bool:
    if not takes_connections(port):
        return False  # sooner than PyMongo, which takes half a second to find that out
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=200) as client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
    return True
