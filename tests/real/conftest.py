"""The server that REPLAY_SERVER names, which plays real pull requests back, and the whole pipeline run against it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.services.server import server
from tests.support.replay import EARLIER, Replay


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
