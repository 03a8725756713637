"""A server that several commands use at a time: there is one of it, and it ends with the last of them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from local.services.server import POLL_SECONDS
from local.services.shared import shared_server
from steps.common.errors import Unavailable

ROOT = Path(__file__).parents[2]
USE = (
    "import sys; from pathlib import Path; from tests.integration.test_local_shared import used\n"
    "with used(Path(sys.argv[1])) as port:\n"
    "    print(port, flush=True)\n"
    "    sys.stdin.read()"
)


@contextmanager
def used(folder: Path) -> Iterator[int]:
    """Python's own file server on the folder."""

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]

    with shared_server("files", folder, command, answers) as port:
        yield port


def answers(port: int) -> bool:
    """Return whether the server responds."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=5).ok
    except requests.ConnectionError:
        return False


def user(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """Another process that uses it until its input ends; and the port that it was given."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(folder)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def server(folder: Path) -> psutil.Process:
    """The process that serves."""
    return psutil.Process(int((folder / "files.lock").read_text()))


def test_whoever_comes_second_uses_the_same_server(tmp_path: Path) -> None:
    """And has it to the end, though the first, who started it, ends before."""
    first, port = user(tmp_path)
    with used(tmp_path) as same:
        assert same == port
        first.communicate()
        assert answers(same)
        serving = server(tmp_path)
    assert not serving.is_running()
    assert not answers(port)


def test_a_killed_user_does_not_stop_the_server(tmp_path: Path) -> None:
    """Only when the last one is killed as well does the server end."""
    (first, port), (second, _) = user(tmp_path), user(tmp_path)
    serving = server(tmp_path)
    first.kill()
    first.wait()
    time.sleep(10 * POLL_SECONDS)
    assert answers(port)
    second.kill()
    assert psutil.wait_procs([serving], timeout=60)[0]


def test_many_that_come_at_once_start_one_server(tmp_path: Path) -> None:
    """All are given the same port."""
    with ThreadPoolExecutor(4) as threads:
        users = list(threads.map(user, [tmp_path] * 4))
    ports = {port for _, port in users}
    assert len(ports) == 1
    for process, _ in users:
        process.communicate()
    assert not answers(ports.pop())


def test_after_the_end_the_next_one_starts_another(tmp_path: Path) -> None:
    """Again and again, with nothing in the way."""
    for _ in range(3):
        with used(tmp_path) as port:
            assert answers(port)


def test_a_server_that_does_not_start_is_reported_with_its_last_log_line(tmp_path: Path) -> None:
    """To whoever started it."""
    with (
        pytest.raises(Unavailable, match="files exited with code 3"),
        shared_server("files", tmp_path, lambda _: ["/bin/sh", "-c", "echo it will not do; exit 3"], lambda _: False),
    ):
        pass
