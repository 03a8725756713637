"""The comparison of two running revisions answers "better" only by what both did since their analysis began."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from pymongo.database import Database

from rollouts.checks.cluster import KubernetesApi
from rollouts.checks.comparison_server import build_handler
from rollouts.checks.live import Revision, Sides, compare_revisions
from tests.support.command_line import ROOT, clean_environment
from tests.support.http_server import serve
from tests.support.waiting import wait_until

Mongo = Database[dict[str, Any]]
NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(days=4)
OLD, NEW = "a" * 64, "b" * 64
POD_HASH = "7b5c"
COUNT = 300
GOOD, BAD = 0.05, 0.5
"""The shares of alerts that people remove."""


def analysis(pod_hash: str = POD_HASH, metric: str = "comparison", began: datetime = BEGAN, **status: Any) -> Any:
    """An AnalysisRun as the API server describes it."""
    return {
        "metadata": {
            "creationTimestamp": f"{began:%Y-%m-%dT%H:%M:%SZ}",
            "labels": {"rollouts-pod-template-hash": pod_hash},
        },
        "spec": {"metrics": [{"name": "answers"}, {"name": metric}]},
        "status": status or {"phase": "Running"},
    }


class World:
    """The services of both revisions, the API server and Prometheus, in one; a number is a status without a body."""

    def __init__(self) -> None:
        self.models: dict[str, Any] = {"old": {"version": "3", "digest": OLD}, "new": {"version": "4", "digest": NEW}}
        self.analyses: Any = [analysis()]
        self.slow: Any = {"3": 10, "4": 10}
        """Of 1,000 requests of each version."""

    def answer(self, path: str) -> Any:
        """Answer a request for a path."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.endswith("/model"):
            return self.models[parts.path.split("/")[1]]
        if parts.path.endswith("/namespaces/here/analysisruns"):
            if isinstance(self.analyses, int):
                return self.analyses
            label, _, chosen = query["labelSelector"].partition("=")
            return {"items": [one for one in self.analyses if one["metadata"]["labels"][label] == chosen]}
        if isinstance(self.slow, int):
            return self.slow
        slow = next(count for version, count in self.slow.items() if f'version="{version}"' in query["query"])
        value = 1_000 if "seconds_count" in query["query"] else 1_000 - slow
        return {"data": {"result": [{"value": [0, str(value)]}]}}


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


def put(
    database: Mongo, version: str, removed: float, hours: float = 48, repository: str = "o/n", **changes: Any
) -> None:
    """What a version leaves behind: scores so many hours ago, and alerts of which people remove a share."""
    digest = {"3": OLD, "4": NEW}[version]
    time, first = NOW - timedelta(hours=hours), {"3": 0, "4": COUNT}[version]
    pulls = [{"repository": repository, "number": first + one} for one in range(COUNT)]
    scored = {"scored_at": time, "score": 2.0, "unusual": False, "model": {"version": version, "digest": digest}}
    told = {"result": {"model": version}, "finished_at": time}
    kept = [pull | scored | {"id": f"{repository}#{pull['number']}"} | changes for pull in pulls]
    database.predictions.insert_many(kept)
    database.deliveries.insert_many(pull | told | {"outcome": "announced"} for pull in pulls)
    database.deliveries.insert_many(
        pull | told | {"outcome": "removed by a person"} for pull in pulls[: int(removed * COUNT)]
    )


Ask = Callable[..., requests.Response]


@pytest.mark.parametrize(("old", "new", "verdict"), [(BAD, GOOD, "better"), (GOOD, BAD, "worse"), (BAD, BAD, None)])
def test_it_says_which_one_is_better_and_why(
    old: float, new: float, verdict: str | None, database: Mongo, ask: Ask
) -> None:
    """With a length, so that an answer that breaks off is none."""
    put(database, "3", old)
    put(database, "4", new)
    answer = ask()
    assert (answer.status_code, answer.json()["verdict"]) == (200, verdict or "not enough data")
    assert answer.headers["Content-Length"] == str(len(answer.content))
    first, *lines = answer.json()["lines"]
    assert first == f"version 4 compared with version 3, since {BEGAN:%Y-%m-%d %H:%M} UTC"
    assert any(line.startswith("alerts removed by people within a day: ") for line in lines)


def test_response_times_count(database: Mongo, world: World, ask: Ask) -> None:
    """Those of each version."""
    put(database, "3", BAD)
    put(database, "4", BAD)
    world.slow = {"3": 300, "4": 10}
    assert ask().json()["verdict"] == "better"
    world.slow = {"3": 10, "4": 300}
    assert ask().json()["verdict"] == "worse"


def _same_version(database: Mongo, world: World) -> None:
    put(database, "4", GOOD)
    world.models["old"] = world.models["new"]


def _same_model(database: Mongo, world: World) -> None:
    put(database, "3", BAD, model={"version": "3", "digest": NEW})
    put(database, "4", GOOD)
    world.models["old"] = {"version": "3", "digest": NEW}


def _swapped(database: Mongo, world: World) -> None:
    put(database, "3", GOOD)
    put(database, "4", BAD)
    world.models = {"old": world.models["new"], "new": world.models["old"]}


def _no_numbers(database: Mongo, world: World) -> None:
    put(database, "3", BAD)
    put(database, "4", GOOD, score=float("nan"))


def _without_the_old(database: Mongo, world: World) -> None:
    put(database, "4", GOOD)


def _without_the_new(database: Mongo, world: World) -> None:
    put(database, "3", BAD)


def _other_repositories(database: Mongo, world: World) -> None:
    put(database, "3", BAD, repository="o/m")
    put(database, "4", GOOD)


def _another_model_s_scores(database: Mongo, world: World) -> None:
    put(database, "3", BAD)
    put(database, "4", GOOD, model={"version": "4", "digest": "c" * 64})


def _before_the_split(database: Mongo, world: World) -> None:
    put(database, "3", BAD, hours=97)
    put(database, "4", GOOD, hours=97)


def _the_old_one_before_the_split(database: Mongo, world: World) -> None:
    put(database, "3", BAD, hours=97)
    put(database, "4", GOOD)


def _begun_anew(database: Mongo, world: World) -> None:
    put(database, "3", BAD)
    put(database, "4", GOOD)
    world.analyses = [analysis(began=NOW - timedelta(hours=47)), analysis()]


def _ended(database: Mongo, world: World) -> None:
    put(database, "3", BAD)
    put(database, "4", GOOD)
    world.analyses = [analysis(phase="Successful"), analysis(pod_hash="66aa"), analysis(metric="latency")]


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda database, world: None, "version 3 has 0 pull requests; 200 are needed"),
        (_without_the_old, "version 3 has 0 pull requests; 200 are needed"),
        (_without_the_new, "version 4 has 0 pull requests; 200 are needed"),
        (_same_version, "a version can't be compared with itself"),
        (_same_model, "a version can't be compared with itself"),
        (_swapped, "the new revision has the model aaaaaaaaaaaa, and Git names bbbbbbbbbbbb"),
        (_no_numbers, "version 4 has scores that are not numbers"),
        (_other_repositories, "version 3 has 0 pull requests; 200 are needed"),
        (_another_model_s_scores, "version 4 has scores of the model cccccccccccc, and bbbbbbbbbbbb runs"),
        (_before_the_split, "version 4 has 0 pull requests; 200 are needed"),
        (_the_old_one_before_the_split, "version 3 has 0 pull requests; 200 are needed"),
        (_begun_anew, "version 4 has 0 pull requests; 200 are needed"),
        (_ended, "no analysis compares the revision 7b5c"),
    ],
)
def test_what_proves_nothing_is_not_enough_data(
    prepare: Callable[[Mongo, World], None], reason: str, database: Mongo, world: World, ask: Ask
) -> None:
    """Though the new version would seem to be better by far."""
    prepare(database, world)
    answer = ask()
    assert (answer.status_code, answer.json()["verdict"]) == (200, "not enough data")
    assert reason in answer.json()["lines"]


@pytest.mark.parametrize("phase", [{"phase": ""}, {"phase": "Pending"}, {"startedAt": None}])
def test_an_analysis_that_has_only_begun_counts(phase: dict[str, Any], database: Mongo, world: World, ask: Ask) -> None:
    """Its phase may not be written yet."""
    put(database, "3", BAD)
    put(database, "4", GOOD)
    world.analyses = [analysis(**phase)]
    assert ask().json()["verdict"] == "better"


def _no_old_service(world: World) -> None:
    world.models["old"] = 503


def _no_version(world: World) -> None:
    world.models["new"] = {"digest": NEW}


def _no_access(world: World) -> None:
    world.analyses = 403


def _no_prometheus(world: World) -> None:
    world.slow = 503


@pytest.mark.parametrize("break_it", [_no_old_service, _no_version, _no_access, _no_prometheus])
def test_what_can_not_be_read_is_an_error(
    break_it: Callable[[World], None], database: Mongo, world: World, ask: Ask
) -> None:
    """Argo Rollouts takes a response with a status of 2xx for a success, if it is not JSON."""
    put(database, "3", BAD)
    put(database, "4", GOOD)
    break_it(world)
    assert (ask().status_code, "verdict" in ask().json()) == (503, False)


def test_a_database_that_is_away_is_an_error(database: Mongo, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes it for an empty one."""
    monkeypatch.setenv("MONGO_URI", "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100")
    assert ask().status_code == 503


@pytest.mark.parametrize("given", [{"digest": NEW}, {"pod-hash": POD_HASH}, {"pod-hash": "", "digest": NEW}])
def test_without_a_revision_there_is_no_comparison(given: dict[str, str], ask: Ask) -> None:
    """An argument of the analysis that was left out."""
    assert ask(**given).status_code == 400


def test_the_command_serves_until_it_is_told_to_end() -> None:
    """Outside of a cluster it has nothing to compare, and says so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "rollouts.checks",
        "serve-comparison",
        "http://old",
        "http://new",
        f"--port={port}",
    ]
    with subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stderr=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: is_listening(port), "the server", interval=0.1)
            answer = requests.get(f"http://127.0.0.1:{port}/", {"pod-hash": POD_HASH, "digest": NEW}, timeout=60)
        finally:
            server.terminate()
        assert server.wait() == 0
    assert (answer.status_code, "no token for the API server" in answer.json()["detail"]) == (503, True)


def is_listening(port: int) -> bool:
    """Whether somebody answers there."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
