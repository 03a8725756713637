"""The connection to MongoDB, with its failures told in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConfigurationError as DriverConfigurationError
from pymongo.errors import ConnectionFailure, InvalidURI, OperationFailure
from pymongo.uri_parser import parse_uri

from steps.common.errors import AccessRefused, ConfigurationError, StorageFull, Unavailable
from steps.common.settings import MongoSettings

Document = dict[str, Any]
TIMEOUT_MS = 10_000
HEARTBEAT_MS = 60_000
"""A later heartbeat ends what is running, and a server may be deaf while it reads a large collection."""

REFUSED_CODES = frozenset({13, 18})  # Unauthorized, AuthenticationFailed
DISK_FULL_CODES = frozenset({14031, 28})  # OutOfDiskSpace, ENOSPC as some servers hand it on


@contextmanager
def database(settings: MongoSettings) -> Iterator[Database[Document]]:
    """Open the database that the settings name; dates are read with their zone.

    Raises:
        ConfigurationError: MONGO_URI can't be read.
        AccessRefused: the user or its rights are wrong.
        Unavailable: nothing answers there, or it has no space left.
    """
    uri = settings.mongo_uri.get_secret_value()
    where = _hosts(uri)
    client: MongoClient[Document] = MongoClient(
        uri, tz_aware=True, serverSelectionTimeoutMS=TIMEOUT_MS, connectTimeoutMS=HEARTBEAT_MS, appname="pr-sentinel"
    )
    try:
        yield client[settings.mongo_db]
    except ConnectionFailure as error:
        raise Unavailable(
            f"MongoDB at {where} does not answer ({type(error).__name__}).",
            advice="Check that it is up and that MONGO_URI names it.",
        ) from None
    except OperationFailure as error:
        codes = _codes(error)
        if codes & REFUSED_CODES:
            raise AccessRefused(
                f"MongoDB at {where} refuses the user or the operation.", advice="Check the user in MONGO_URI."
            ) from None
        if codes & DISK_FULL_CODES:
            raise StorageFull(f"MongoDB at {where} has no space left.", advice="Free some and run again.") from None
        raise
    finally:
        client.close()


def _codes(error: OperationFailure) -> set[int]:
    """The server's codes; a bulk write carries one for each document it refused."""
    refused = (error.details or {}).get("writeErrors", [])
    return {code for code in (error.code, *(one.get("code") for one in refused)) if code is not None}


def _hosts(uri: str) -> str:
    """The addresses of a URI, without user and password."""
    try:
        return ", ".join(f"{host}:{port}" for host, port in parse_uri(uri)["nodelist"])
    except (InvalidURI, DriverConfigurationError, ValueError) as error:
        raise ConfigurationError(
            f"MONGO_URI can't be read ({type(error).__name__}).",
            advice="It has the form mongodb://user:password@host:27017/?options.",
        ) from None
