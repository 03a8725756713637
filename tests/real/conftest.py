"""The server that REPLAY_SERVER names, which plays real pull requests back, and the whole pipeline run against it."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.services.server import server
from tests.support.replay import EARLIER, FirstRun, Replay
from tests.support.sharing import make_once


@pytest.fixture(scope="session")
def replay_server() -> str:
    """The path of the server."""
    if "REPLAY_SERVER" not in os.environ:
        pytest.skip("REPLAY_SERVER names no replay server")
    return os.environ["REPLAY_SERVER"]


@contextmanager
def serve(program: str, folder: Path) -> Iterator[Replay]:
    """Run the server; its clock stands at EARLIER."""
    port_file = folder / "port"
    command = [sys.executable, program, "--port", "0", "--port-file", str(port_file), "--now", EARLIER]

    def is_ready() -> bool:
        return port_file.is_file() and port_file.read_text().strip().isdigit()

    with server("replay", command, folder, is_ready):
        yield Replay(f"http://127.0.0.1:{port_file.read_text().strip()}")


@pytest.fixture
def replay(replay_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """A server of the test's own."""
    with serve(replay_server, tmp_path_factory.mktemp("replay")) as replay:
        yield replay


@pytest.fixture(scope="session")
def first(replay_server: str, tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    """One run without faults, as of EARLIER, for the tests of all processes."""

    def make(folder: Path) -> str:
        with serve(replay_server, tmp_path_factory.mktemp("replay")) as replay:
            record = replay.run(folder / "state")
        shutil.copytree(folder / "state", folder / "copy", symlinks=True)
        return json.dumps(record)

    folder, text = make_once(tmp_path_factory, "replayed", make)
    return FirstRun(folder / "state", folder / "copy", json.loads(text))
