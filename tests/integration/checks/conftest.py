"""Two versions of the service beside each other: processes of their own, or only what a comparison asks them."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests
from pymongo import MongoClient

from rollouts.checks.cluster import KubernetesApi
from rollouts.checks.comparison_server import build_handler
from rollouts.checks.live import Revision, Sides, compare_revisions
from tests.support import candidates, serving
from tests.support.check_command import Start
from tests.support.http_server import serve
from tests.support.revisions import NEW, POD_HASH, World


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


@pytest.fixture
def world() -> World:
    """All of it as it should be."""
    return World()


@pytest.fixture
def ask(world: World, tmp_path: Path) -> Iterator[Callable[..., requests.Response]]:
    """Ask the server for a comparison, as Argo Rollouts does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = world.answer(self.path)
            self.send_response(answer if isinstance(answer, int) else 200)
            self.end_headers()
            self.wfile.write(b"" if isinstance(answer, int) else json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    for name, content in (("namespace", "here"), ("token", "a-token"), ("ca.crt", "")):
        (tmp_path / name).write_text(content)
    with serve(Handler) as server:
        around = f"http://127.0.0.1:{server.server_port}"
        sides = Sides(f"{around}/old", f"{around}/new", around)

        def compare(revision: Revision) -> Any:
            return compare_revisions(sides, revision, KubernetesApi(around, tmp_path))

        with serve(build_handler(compare)) as comparison:
            url = f"http://127.0.0.1:{comparison.server_port}/"
            yield lambda **given: requests.get(url, given or {"pod-hash": POD_HASH, "digest": NEW}, timeout=60)
