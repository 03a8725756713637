"""The whole pipeline on real pull requests from a replay server, whose place REPLAY_SERVER names."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from workflows.server import server

ROOT = Path(__file__).parents[2]
REPOSITORIES = "psf/requests kubernetes-sigs/kind"
EARLIER, LATER = "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
FAULTS = {
    "fail_every": 5,
    "truncate_every": 7,
    "garbage_every": 11,
    "drop_every": 13,
    "graphql_error_every": 17,
    "secondary_limit_every": 19,
    "retry_after": 1,
}

pytestmark = pytest.mark.skipif("REPLAY_SERVER" not in os.environ, reason="REPLAY_SERVER names no replay server")


class Replay:
    """The server that plays real pull requests back."""

    def __init__(self, address: str) -> None:
        """Keep where it is."""
        self.address = address

    def control(self, **settings: Any) -> None:
        """Set its clock and its faults."""
        requests.post(f"{self.address}/_control", json=settings, timeout=30).raise_for_status()

    def stats(self) -> dict[str, Any]:
        """What it was asked, and how it answered."""
        return dict(requests.get(f"{self.address}/_stats", timeout=30).json())

    def run(self, state: Path) -> dict[str, Any]:
        """Run the pipeline against it; the record of the run, with what was printed."""
        named = {"MONGO_URI", "MONGO_DB", "STORE_URL", "MLFLOW_URI"}
        own = {name: value for name, value in os.environ.items() if name not in named}
        command = [sys.executable, "-m", "workflows", "run", "--repos", REPOSITORIES, "--state", str(state)]
        environment = own | {"GITHUB_API_URL": self.address, "GITHUB_TOKEN": "replay"}
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
        assert result.returncode == 0, result.stdout + result.stderr
        newest = max(state.glob("runs/*/run.json"), key=lambda path: path.stat().st_mtime)
        return dict(json.loads(newest.read_text())) | {"printed": result.stdout}


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """A server whose clock stands at EARLIER."""
    folder = tmp_path_factory.mktemp("replay")
    port_file = folder / "port"
    command = [
        sys.executable,
        os.environ["REPLAY_SERVER"],
        "--port",
        "0",
        "--port-file",
        str(port_file),
        "--now",
        EARLIER,
    ]

    def is_ready() -> bool:
        return port_file.is_file() and port_file.read_text().strip().isdigit()

    with server("replay", command, folder, is_ready):
        yield Replay(f"http://127.0.0.1:{port_file.read_text().strip()}")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the runs without faults keep."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def first(replay: Replay, state: Path) -> dict[str, Any]:
    """The record of a run without faults, as of EARLIER."""
    return replay.run(state)


def output(record: dict[str, Any], task: str, name: str) -> str:
    """An output of a task that ran once."""
    return next(str(node["outputs"][name]) for node in record["nodes"] if node["task"] == task)


def total(record: dict[str, Any], name: str) -> int:
    """An output of fetch, over all repositories."""
    return sum(int(node["outputs"][name]) for node in record["nodes"] if node["task"] == "fetch")


def test_real_repositories_become_a_model(first: dict[str, Any]) -> None:
    """With few requests: a hundred pull requests each, and a little over."""
    assert "Model: accepted, version 1." in first["printed"]
    assert total(first, "requests") <= 0.012 * total(first, "fetched") + len(REPOSITORIES.split())


def test_faults_on_the_way_change_nothing_in_the_dataset(replay: Replay, first: dict[str, Any], tmp_path: Path) -> None:
    """Bad gateways, secondary limits, truncated and garbled answers, dropped connections: the same hash in the end."""
    replay.control(**FAULTS)
    harassed = replay.run(tmp_path)
    replay.control(**dict.fromkeys(FAULTS, 0))
    assert {"502", "truncate", "garbage", "drop", "secondary"} <= replay.stats()["faults"].keys()
    assert output(harassed, "preprocess", "data_hash") == output(first, "preprocess", "data_hash")


def test_a_year_later_only_what_is_new_is_fetched(replay: Replay, state: Path, first: dict[str, Any]) -> None:
    """And right after that nothing, and everything stays as it is."""
    replay.control(now=LATER)
    second = replay.run(state)
    assert f"Incremental: {total(second, 'fetched'):,} new, {total(second, 'updated'):,} updated" in second["printed"]
    assert 0 < total(second, "fetched") < total(first, "fetched")
    rows = [int(output(record, "preprocess", "rows")) for record in (first, second)]
    assert rows[1] - rows[0] == total(second, "fetched")

    third = replay.run(state)
    assert "Incremental: nothing changed" in third["printed"]
    assert total(third, "requests") == len(REPOSITORIES.split())
    for task, name in (("preprocess", "data_hash"), ("train", "run_id")):
        assert output(third, task, name) == output(second, task, name)
