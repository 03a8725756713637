"""Two versions of the service beside each other, each a process of its own, with the histories of the samples."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.support import candidates, serving
from tests.support.check_command import Start


@pytest.fixture(scope="session")
def rows() -> list[candidates.Row]:
    """The samples, from which models and histories are made."""
    return candidates.rows()


@pytest.fixture(scope="session")
def models(rows: list[candidates.Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the models; nobody changes them."""
    folder = tmp_path_factory.mktemp("models")
    candidates.write(folder, rows)
    return folder


@pytest.fixture(scope="session")
def mongo(rows: list[candidates.Row], mongo_uri: str) -> Iterator[dict[str, str]]:
    """The settings of a MongoDB with each repository's history."""
    name = "checks"
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client[name].history.insert_many(candidates.histories(rows))
        yield {"MONGO_URI": mongo_uri, "MONGO_DB": name}
        client.drop_database(name)


@pytest.fixture(scope="session")
def start(models: Path, mongo: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Start a service with one of the models, and with other settings than MongoDB's where some are given."""

    def started(model: str, settings: dict[str, str] = mongo) -> AbstractContextManager[serving.Running]:
        given = {"MODEL_DIR": str(models / model), **settings}
        return serving.running(tmp_path_factory.mktemp(model), given, program=serving.WORKER)

    return started


@pytest.fixture(scope="session")
def pair(start: Start) -> Iterator[tuple[str, str, str]]:
    """The addresses of a good candidate and of the active service, and the candidate's digest."""
    with ExitStack() as stack:
        good, active = (stack.enter_context(start(model)) for model in ("good", "active"))
        yield good.address, active.address, str(good.get("/model").json()["digest"])
