"""A comparison that can't be made is an error, never an answer that Argo Rollouts takes for a success."""

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
import requests

from tests.support.command_line import ROOT, clean_environment
from tests.support.revisions import BAD, GOOD, NEW, POD_HASH, Ask, Mongo, World, put
from tests.support.waiting import wait_until


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
