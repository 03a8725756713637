"""Two versions of the service beside each other, each a process of its own, with the histories of the samples."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from rollouts.checks import recent
from samples import raw
from steps.common.pull_request import PullRequest
from steps.common.settings import MongoSettings
from steps.preprocess.history import VERSION
from steps.train import artefact
from tests import builders, serving
from tests.pulls import passed

ROOT = Path(__file__).parents[3]
PULLS = 1_500
Start = Callable[..., AbstractContextManager[serving.Running]]


@pytest.fixture(scope="session")
def rows() -> list[dict[str, Any]]:
    """The newest samples as training has them, in the order of their repositories."""
    pulls = [PullRequest.model_validate(pull) for pull in raw.newest(PULLS)]
    ordered = sorted(pulls, key=lambda pull: (pull.base.repo.full_name, pull.created_at))
    return [{"id": pull.id, **recent.row(pull)} for pull in ordered]


@pytest.fixture(scope="session")
def models(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models: `active`, version 3; `good`, version 4, of nearly the same data; and bad ones made of it."""
    folder = tmp_path_factory.mktemp("models")
    fewer = [row for row in rows if row["number"] % 7]
    for name, version, given in (("active", "3", rows), ("good", "4", fewer)):
        builders.fitted(folder / name, given)
        (folder / name / "version.json").write_text(json.dumps({"version": version}))
    _with_thresholds(folder / "good", folder / "everything", threshold=-1.0, high=0.0)
    _with_thresholds(folder / "good", folder / "nothing", threshold=1e6, high=2e6)
    return folder


def _with_thresholds(source: Path, target: Path, **thresholds: float) -> None:
    """A model that is sound but for what it flags."""
    shutil.copytree(source, target)
    found = artefact.read(source)
    changed = json.loads(found.files["thresholds.json"]) | thresholds
    facts = {key: value for key, value in found.manifest.items() if key not in ("version", "sha256")}
    artefact.write(target, {**found.files, "thresholds.json": artefact.as_json(changed)}, facts)


@pytest.fixture(scope="session")
def mongo(rows: list[dict[str, Any]], mongo_uri: str) -> Iterator[dict[str, str]]:
    """The settings of a MongoDB with each repository's history."""
    name = "checks"
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client[name].history.insert_many(
            {"_id": row["repository"], "state": row["state"], "dataset": "a", "version": VERSION}
            for row in passed(rows)
            if row["split"] == "history"
        )
        yield {"MONGO_URI": mongo_uri, "MONGO_DB": name}
        client.drop_database(name)


@pytest.fixture(scope="session")
def start(models: Path, mongo: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Start a service with one of the models, and with other settings than MongoDB's where some are given."""

    def started(model: str, settings: dict[str, str] = mongo) -> AbstractContextManager[serving.Running]:
        return serving.running(tmp_path_factory.mktemp(model), {"MODEL_DIR": str(models / model), **settings})

    return started


@pytest.fixture(scope="session")
def pair(start: Start) -> Iterator[tuple[str, str, str]]:
    """The addresses of a good candidate and of the active service, and the candidate's digest."""
    with ExitStack() as stack:
        good, active = (stack.enter_context(start(model)) for model in ("good", "active"))
        yield good.address, active.address, str(good.get("/model").json()["digest"])


def check(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command, with these settings and none of MongoDB's else."""
    unset = {name.upper() for name in MongoSettings.model_fields}
    environment = {name: value for name, value in os.environ.items() if name not in unset} | settings
    command = [sys.executable, "-m", "rollouts.checks", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
