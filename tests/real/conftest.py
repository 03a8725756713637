"""The server that REPLAY_SERVER names, which plays real pull requests back, and the whole pipeline run against it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.services.server import server

ROOT = Path(__file__).parents[2]
REPOSITORIES = ("psf/requests", "kubernetes-sigs/kind")
EARLIER = "2025-01-01T00:00:00Z"


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
        command = [sys.executable, "-m", "workflows", "run", "--repos", " ".join(REPOSITORIES), "--state", str(state)]
        environment = own | {"GITHUB_API_URL": self.address, "GITHUB_TOKEN": "replay"}
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
        assert result.returncode == 0, result.stdout + result.stderr
        newest = max(state.glob("runs/*/run.json"), key=lambda path: path.stat().st_mtime)
        return dict(json.loads(newest.read_text())) | {"printed": result.stdout}


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """A server whose clock stands at EARLIER."""
    if "REPLAY_SERVER" not in os.environ:
        pytest.skip("REPLAY_SERVER names no replay server")
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
