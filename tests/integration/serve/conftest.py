"""The service with a small real model, in this process and as its own process, and a Bento built once."""

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo.database import Database

from samples import raw
from steps.common.settings import ServeSettings
from steps.scoring.history import VERSION
from steps.serve import absence, histories, predictions
from steps.serve.app import create_app
from tests.support import bentos, builders, pulls, serving
from tests.support.cable import Cable
from tests.support.command_line import SampleRun
from tests.support.scoring import KNOWN

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it would rather have another HTTP client
    from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def bento(tmp_path_factory: pytest.TempPathFactory) -> bentos.Bento:
    """A Bento; tests must not change it."""
    return bentos.build(tmp_path_factory.mktemp("bento"))


@pytest.fixture(scope="session")
def trained(sample_run: SampleRun) -> Path:
    """A state folder with a champion; tests must not change it."""
    assert sample_run.result.returncode == 0, sample_run.result.stdout + sample_run.result.stderr
    return sample_run.state


@pytest.fixture
def state(trained: Path, tmp_path: Path) -> Path:
    """A state folder with the champion and no documents, to damage."""
    own = tmp_path / "state"
    shutil.copytree(trained / "store" / "bentos", own / "store" / "bentos")
    shutil.copy(trained / "mlflow.db", own)
    return own


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model with the real features; tests must not change it."""
    folder = tmp_path_factory.mktemp("model")
    builders.fitted(folder, pulls.pulls(600))
    return folder


@pytest.fixture
def settings(model: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The settings of a service that has a model and nothing else; more may be set."""
    for name in ServeSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("MODEL_DIR", str(model))
    return monkeypatch


@pytest.fixture
def client(settings: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The service in this process."""
    with TestClient(create_app()) as found:
        yield found


@pytest.fixture(scope="session")
def service(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Running]:
    """The service as a process, with a model and nothing else."""
    with serving.running(tmp_path_factory.mktemp("service"), {"MODEL_DIR": str(model)}) as found:
        yield found


@pytest.fixture(scope="session")
def samples() -> list[dict[str, Any]]:
    """Pull requests in the form of GitHub's REST API; tests must not change them."""
    return raw.build_newest(50)


@pytest.fixture
def pull(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """One of them, which a test may change."""
    return dict(samples[0])


@pytest.fixture(scope="session")
def kept_history() -> dict[str, Any]:
    """The history of a repository, as preprocess stores it; tests must not change it."""
    rows: list[dict[str, Any]] = [row for row in pulls.passed(pulls.pulls(300)) if row["split"] == "history"]
    return {"state": bson.Binary(rows[0]["state"]), "dataset": "a", "version": VERSION}


@pytest.fixture
def cable(
    settings: pytest.MonkeyPatch, mongo_uri: str, database: Database[dict[str, Any]], kept_history: dict[str, Any]
) -> Iterator[Cable]:
    """A proxy to a MongoDB with one repository's history, named in the service's settings."""
    database.history.insert_one({"_id": KNOWN, **kept_history})
    for module, name in (
        (predictions, "FLUSH_SECONDS"),
        (absence, "AWAY_SECONDS"),
        (histories, "FRESH_SECONDS"),
    ):
        settings.setattr(module, name, 0.1)
    settings.setattr(absence, "TIMEOUT_MS", 2_000)
    with Cable(mongo_uri) as found:
        settings.setenv("MONGO_URI", found.uri)
        settings.setenv("MONGO_DB", database.name)
        yield found
