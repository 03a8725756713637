"""The server that replays real pull requests, and the pipeline run against it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.support.command_line import cli

ROOT = Path(__file__).parents[2]
REPOSITORIES = ("psf/requests", "kubernetes-sigs/kind")
EARLIER = "2025-01-01T00:00:00Z"


class FirstRun(NamedTuple):
    """A run: its state, which tests only read, a copy of that for one test to go on with, and the run's record."""

    state: Path
    copy: Path
    record: dict[str, Any]


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
        github = {"GITHUB_API_URL": self.address, "GITHUB_TOKEN": "replay"}
        result = cli("run", "--repos", " ".join(REPOSITORIES), "--state", str(state), **github)
        assert result.returncode == 0, result.stdout + result.stderr
        newest = max(state.glob("runs/*/run.json"), key=lambda path: path.stat().st_mtime)
        return dict(json.loads(newest.read_text())) | {"printed": result.stdout}


def output(record: dict[str, Any], task: str, name: str) -> str:
    """An output of a task that ran once."""
    return next(str(node["outputs"][name]) for node in record["nodes"] if node["task"] == task)


def total(record: dict[str, Any], name: str) -> int:
    """An output of fetch, over all repositories."""
    return sum(int(node["outputs"][name]) for node in record["nodes"] if node["task"] == "fetch")
