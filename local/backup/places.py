"""Where the parts of this installation are."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from local.backup import registry
from local.backup.part import BackupPart
from steps.common.errors import ConfigurationError
from steps.common.settings import MongoSettings, StoreSettings
from steps.common.store import Store, open_store

UNITS = {BackupPart.MONGODB: "documents", BackupPart.REGISTRY: "runs and versions", BackupPart.STORE: "objects"}


class Places(NamedTuple):
    """The parts.

    `registry` is None where MLflow is a server; `artefacts` is None if the files of runs are in the store, or where
    MLflow alone finds them.
    """

    mongodb: MongoSettings
    registry: Path | None
    artefacts: Store | None
    store: Store


def find(settings: Mapping[str, str]) -> Places:
    """Find the parts.

    Args:
        settings: the locations of MongoDB, MLflow and the store.

    Raises:
        ConfigurationError: a location is not valid.
    """
    artefacts = settings.get("MLFLOW_ARTIFACTS", os.environ.get("MLFLOW_ARTIFACTS", ""))
    is_apart = artefacts.startswith(("file:///", "s3://")) and not f"{artefacts}/".startswith(
        f"{settings['STORE_URL'].rstrip('/')}/"
    )
    return Places(
        MongoSettings(mongo_uri=SecretStr(settings["MONGO_URI"]), mongo_db=settings["MONGO_DB"]),
        registry.find_database(settings["MLFLOW_URI"]),
        open_store(StoreSettings(store_url=artefacts)) if is_apart else None,
        open_store(StoreSettings(store_url=settings["STORE_URL"])),
    )


def build_server_error(what: str) -> ConfigurationError:
    """Return the error for a registry that is not a file, `what` being what happened to it."""
    return ConfigurationError(
        f"The registry is {what}: MLflow is a server here.",
        advice="Use the own tool of its database, such as pg_dump, and a copy of its bucket or volume; "
        "--only mongodb --only store leaves it out.",
    )
