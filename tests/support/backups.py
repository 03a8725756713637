"""The commands `backup` and `restore` in this process, and what a test changes about a backup."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from pydantic import SecretStr

from local.backup import manifest
from local.services import embedded
from steps.common import retention
from steps.common.mongo import open_database
from steps.common.settings import MongoSettings
from steps.common.tracking import REGISTERED_MODEL
from tests.support.command_line import call_cli
from tests.support.predictions import insert_prediction

LATER = retention.count_kept_seconds("predictions")


def call(*arguments: str | Path, **environment: str) -> str:
    """The output of a command that ends well."""
    done = call_cli(*map(str, arguments), **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refuse(*arguments: str | Path, **environment: str) -> str:
    """What a command says that a person has to do something about."""
    done = call_cli(*map(str, arguments), **environment)
    assert done.returncode in {65, 66, 78}, done.stdout + done.stderr
    return done.stderr


def hash_files(folder: Path) -> dict[str, str]:
    """Hashes of all files below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def seal(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a manifest as somebody would who knows how a backup is made."""
    listed = json.loads((folder / manifest.FILE).read_text())
    change(listed)
    content = json.dumps(listed).encode()
    (folder / manifest.FILE).write_bytes(content)
    (folder / manifest.CHECKSUM).write_text(f"{hashlib.sha256(content).hexdigest()}  {manifest.FILE}\n")


def make_state(ended: Path, state: Path) -> Path:
    """Copy the state after a run on the samples, without what tests of the service left there; add a prediction."""
    state.mkdir(mode=0o700)
    for name in ("runs", "store", "mlruns"):
        shutil.copytree(ended / name, state / name)
    shutil.copy(ended / "mlflow.db", state)
    with embedded.mongo(ended) as uri, open_database(MongoSettings(mongo_uri=SecretStr(uri))) as database:
        kept = {name: [*database[name].find()] for name in database.list_collection_names()}
    client = MlflowClient(f"sqlite:///{state}/mlflow.db")
    with embedded.mongo(state) as uri, open_database(MongoSettings(mongo_uri=SecretStr(uri))) as database:
        for name in kept.keys() - retention.COLLECTIONS.keys():
            if kept[name]:
                database[name].insert_many(kept[name])
        database.predictions.create_index("scored_at", expireAfterSeconds=LATER)
        insert_prediction(state, client.get_model_version_by_alias(REGISTERED_MODEL, "champion").tags["model_sha256"])
    return state
