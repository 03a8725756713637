"""Connections to MongoDB: one way to create a client, and its failures as errors that a person can fix."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pymongo
from pydantic import SecretStr
from pymongo import AsyncMongoClient, MongoClient
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from steps.common.errors import AccessRefused, ConfigurationError, StorageFull, Unavailable
from steps.common.settings import MongoSettings

Document = dict[str, Any]
SELECTION_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_MS = 60_000
"""Also applies to heartbeats: a late one cancels running operations, and reading a large collection delays them."""
CLOSE_SECONDS = 5.0
"""A client says goodbye to the server when it is closed; without a limit it may wait for an answer for ever."""

URI_ERRORS = (PyMongoError, ValueError, TypeError, OSError)
"""What the driver raises for a connection string that is not valid, or whose files can't be read."""
ACCESS_ERROR_CODES = frozenset({13, 18})  # Unauthorized, AuthenticationFailed
PORT, DEFAULT_PORT = re.compile(r":\d+$"), 27017
DISK_FULL_CODES = frozenset({14031, 28})  # OutOfDiskSpace, and ENOSPC, which some servers pass on


def create_client(uri: SecretStr, app: str, timeout_ms: int | None = None) -> MongoClient[Document]:
    """Create a client, which connects with its first operation.

    Args:
        uri: the connection string.
        app: the name that the server's logs show.
        timeout_ms: the limit of each operation, for callers that somebody waits for; without it, an operation may take
            as long as it needs once a server is found.

    Raises:
        ConfigurationError: the connection string is not valid.
    """
    _check_escapes(uri)
    try:
        return MongoClient(uri.get_secret_value(), **_build_options(uri, app, timeout_ms))
    except URI_ERRORS as error:
        raise _invalid_uri_error(error) from None


def create_async_client(uri: SecretStr, app: str, timeout_ms: int | None = None) -> AsyncMongoClient[Document]:
    """Create an asynchronous client; arguments and errors are those of `create_client`."""
    _check_escapes(uri)
    try:
        return AsyncMongoClient(uri.get_secret_value(), **_build_options(uri, app, timeout_ms))
    except URI_ERRORS as error:
        raise _invalid_uri_error(error) from None


@contextmanager
def closing(client: MongoClient[Document]) -> Iterator[MongoClient[Document]]:
    """Close a client at the end of the block, within CLOSE_SECONDS."""
    try:
        yield client
    finally:
        with pymongo.timeout(CLOSE_SECONDS):
            client.close()


@asynccontextmanager
async def closing_async(client: AsyncMongoClient[Document]) -> AsyncIterator[AsyncMongoClient[Document]]:
    """Close an asynchronous client at the end of the block, within CLOSE_SECONDS."""
    try:
        yield client
    finally:
        with pymongo.timeout(CLOSE_SECONDS):
            await client.close()


@contextmanager
def open_database(settings: MongoSettings) -> Iterator[Database[Document]]:
    """Open the database that the settings name; dates are read with their time zone.

    Raises:
        ConfigurationError: MONGO_URI is not valid.
        AccessRefused: the user or its rights are wrong.
        Unavailable: no server answers, or it has no space left.
    """
    hosts = _format_hosts(settings.mongo_uri)
    with closing(create_client(settings.mongo_uri, "pr-sentinel")) as client, _translate_errors(hosts):
        yield client[settings.mongo_db]


def format_hosts(uri: SecretStr) -> str:
    """Return the hosts of a connection string as it names them, sorted, without user, password and options.

    Raises:
        ConfigurationError: the connection string is not valid.
    """
    _check_escapes(uri)
    scheme, _, rest = uri.get_secret_value().partition("://")
    hosts = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].lower().split(",")
    is_seed_list = scheme == "mongodb+srv"  # one name, which DNS resolves to hosts and ports
    return ",".join(sorted(host if is_seed_list or PORT.search(host) else f"{host}:{DEFAULT_PORT}" for host in hosts))


@contextmanager
def _translate_errors(hosts: str) -> Iterator[None]:
    """Translate pymongo's exceptions; those that only a change of our code can fix pass unchanged."""
    try:
        yield
    except ConnectionFailure as error:
        if "certificate verify failed" in str(error):
            raise ConfigurationError(
                f"The certificate of MongoDB at {hosts} is not trusted.",
                advice="Name its authority's file with tlsCAFile in MONGO_URI.",
            ) from None
        raise Unavailable(
            f"MongoDB at {hosts} does not answer ({type(error).__name__}).",
            advice="Check that it is up and that MONGO_URI names it.",
        ) from None
    except OperationFailure as error:
        codes = _list_codes(error)
        if codes & ACCESS_ERROR_CODES:
            raise AccessRefused(
                f"MongoDB at {hosts} refuses the user or the operation.", advice="Check the user in MONGO_URI."
            ) from None
        if codes & DISK_FULL_CODES:
            raise StorageFull(
                f"MongoDB at {hosts} has no space left.", advice="Free some space and run it again."
            ) from None
        raise


def _build_options(uri: SecretStr, app: str, timeout_ms: int | None) -> dict[str, Any]:
    """Return the client's options; the connection string's time limits count where the caller has none."""
    if timeout_ms is None:
        defaults = {"serverSelectionTimeoutMS": SELECTION_TIMEOUT_MS, "connectTimeoutMS": CONNECT_TIMEOUT_MS}
        query = uri.get_secret_value().partition("?")[2].lower()
        named = {option.partition("=")[0] for option in re.split("[&;]", query)}
        timeouts = {name: limit for name, limit in defaults.items() if name.lower() not in named}
    else:
        timeouts = {"timeoutMS": timeout_ms, "serverSelectionTimeoutMS": timeout_ms}
    return {"tz_aware": True, "appname": app, **timeouts}


def _list_codes(error: OperationFailure) -> set[int]:
    """Return the server's error codes; a bulk write has one for each document that was refused."""
    write_errors = (error.details or {}).get("writeErrors", [])
    return {code for code in (error.code, *(each.get("code") for each in write_errors)) if code is not None}


def _format_hosts(uri: SecretStr) -> str:
    """Return the hosts of a connection string, without user and password."""
    _check_escapes(uri)
    try:
        return ", ".join(f"{host}:{port}" for host, port in parse_uri(uri.get_secret_value())["nodelist"])
    except URI_ERRORS as error:
        raise _invalid_uri_error(error) from None


def _check_escapes(uri: SecretStr) -> None:
    """Refuse an `@` behind the hosts: a password with a plain `/`, `?` or `#` would be taken for a host's name.

    Values of options may have one, as those of Azure Cosmos DB do.
    """
    rest = uri.get_secret_value().partition("://")[2]
    hosts = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path, _, query = rest[len(hosts) :].partition("?")
    stray = "@" in path or any("@" in option and "=" not in option.partition("@")[0] for option in query.split("&"))
    if stray or hosts.count("@") > 1:
        raise ConfigurationError(
            "MONGO_URI has a user or a password with letters that have to be escaped.",
            advice="Write / ? # @ : and % as %2F %3F %23 %40 %3A and %25 there.",
        )


def _invalid_uri_error(error: Exception) -> ConfigurationError:
    """Return an error with the kind of `error` only, as its message may hold a password; a file is named."""
    if isinstance(error, OSError):
        named = f" {error.filename}" if error.filename else ""
        return ConfigurationError(
            f"MONGO_URI names a file of certificates{named} that can't be used ({error.strerror or 'not valid'}).",
            advice="Correct tlsCAFile or tlsCertificateKeyFile.",
        )
    return ConfigurationError(
        f"MONGO_URI is not valid ({type(error).__name__}).",
        advice="It has the form mongodb://user:password@host:27017/?options.",
    )
