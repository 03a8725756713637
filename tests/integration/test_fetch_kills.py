"""Fetch killed at its worst moments, then run again."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from steps.fetch.sync import synchronise
from tests.support.github import StandIn

pytestmark = pytest.mark.slow

Mongo = Database[dict[str, Any]]
DOCS = "example/docs"
VICTIM = """
import os, signal, sys
from pymongo import monitoring
from steps.fetch.sync import synchronise

moment, command, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen = 0

class Killer(monitoring.CommandListener):
    def look(self, now, event):
        global seen
        seen += now == moment and event.command_name == command
        if seen == times:
            os.kill(os.getpid(), signal.SIGKILL)

    def started(self, event):
        self.look("before", event)

    def succeeded(self, event):
        self.look("after", event)

    def failed(self, event):
        pass

monitoring.register(Killer())
synchronise("example/docs")
"""
MOMENTS = [
    pytest.param("before", "find", 1, id="at the start"),
    pytest.param("after", "insert", 1, id="in the first page"),
    pytest.param("after", "insert", 3, id="in a later page"),
    pytest.param("before", "update", 3, id="just before the cursor is written"),
    pytest.param("after", "update", 3, id="just after the cursor is written"),
]


def contents(database: Mongo) -> list[dict[str, Any]]:
    """All that is kept, without the time of fetching."""
    return [*database.pull_requests.find({}, {"fetched_at": 0}).sort("_id"), *database.sync.find()]


def kill(moment: str, command: str, times: int) -> None:
    """Run fetch in a process of its own, which kills itself before or after it sends a command for the n-th time."""
    arguments = [sys.executable, "-c", VICTIM, moment, command, str(times)]
    ended = subprocess.run(arguments, cwd=Path(__file__).parents[2], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


@pytest.fixture(scope="module")
def undisturbed(mongo_uri: str, github_address: str) -> list[dict[str, Any]]:
    """What a run that nobody kills leaves."""
    with pytest.MonkeyPatch.context() as patch, MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        settings = {"MONGO_URI": mongo_uri, "MONGO_DB": "undisturbed", "GITHUB_API_URL": github_address}
        for name, value in {**settings, "GITHUB_TOKEN": "a-token"}.items():
            patch.setenv(name, value)
        synchronise(DOCS)
        return contents(client["undisturbed"])


@pytest.mark.parametrize(("moment", "command", "times"), MOMENTS)
def test_a_killed_run_leaves_the_next_one_to_finish_the_same(
    github: StandIn, database: Mongo, undisturbed: list[dict[str, Any]], moment: str, command: str, times: int
) -> None:
    """Every pull request once, each as it is, and the same cursor as without the kill."""
    kill(moment, command, times)
    kept = database.pull_requests.count_documents({})
    result = synchronise(DOCS)
    assert contents(database) == undisturbed
    assert result["fetched"] == 400 - kept
    assert kept % 100 == 0
