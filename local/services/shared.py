"""Servers shared by the commands on one state folder: the first user starts it, the last one stops it."""

import fcntl
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from local.services.server import (
    LOOPBACK,
    POLL_SECONDS,
    READY_TIMEOUT_SECONDS,
    STOP_TIMEOUT_SECONDS,
    describe_failure,
    try_lock,
    wait_until_ready,
)

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def shared_server(
    name: str, folder: Path, command: Callable[[int], Sequence[str]], answers: Callable[[int], bool]
) -> Iterator[int]:
    """Use a server until the end of the block, with its output in `folder/name.log`; yields its port.

    Every user holds a shared lock, released when its process exits; without users, the keeper stops the server.

    Args:
        name: the base name of the server's files.
        folder: the folder of these files.
        command: returns the command that runs the server on a port.
        answers: returns whether the server on a port is ready.

    Raises:
        Unavailable: the server does not become ready.
        StorageFull: there is no space left.
    """
    with (folder / f"{name}.users").open("a+") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield _join(name, folder, command, answers)
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            _wait_for_end(users, folder / f"{name}.kept")


def _join(name: str, folder: Path, command: Callable[[int], Sequence[str]], answers: Callable[[int], bool]) -> int:
    """Return the port of the running server, or start one."""
    port_file = folder / f"{name}.port"
    until = time.monotonic() + READY_TIMEOUT_SECONDS
    with (folder / f"{name}.starting").open("a+") as starting, (folder / f"{name}.kept").open("a+") as kept:
        fcntl.flock(starting, fcntl.LOCK_EX)
        while not try_lock(kept):
            with suppress(OSError, ValueError):
                if answers(port := int(port_file.read_text())):
                    return port
            if time.monotonic() > until:
                raise describe_failure(
                    name, f"was not ready within {READY_TIMEOUT_SECONDS:.0f} s", folder / f"{name}.log"
                )
            time.sleep(POLL_SECONDS)
        port = find_free_port()
        port_file.write_text(str(port))
        keeper = _start_keeper((name, str(folder), str(port), *command(port)), kept)
        wait_until_ready(name, keeper, folder / f"{name}.log", lambda: answers(port))
        return port


def _start_keeper(arguments: Sequence[str], kept: IO[str]) -> subprocess.Popen[bytes]:
    """Start the process that keeps the server; it holds the lock `kept` as long as it lives."""
    return subprocess.Popen(  # noqa: S603  the commands are trusted
        [sys.executable, "-m", "local.services.keeper", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[kept.fileno()],
        # Ctrl-C goes to the users only.
        start_new_session=True,
    )


def _wait_for_end(users: IO[str], path: Path) -> None:
    """Wait until the keeper has exited, unless the server has other users."""
    until = time.monotonic() + STOP_TIMEOUT_SECONDS
    with path.open("a+") as kept:
        while time.monotonic() < until and not try_lock(kept):
            if _has_other_users(users):
                return
            time.sleep(POLL_SECONDS)


def _has_other_users(users: IO[str]) -> bool:
    """Return whether the server has other users; a keeper that stops the server holds the lock exclusively."""
    if try_lock(users):
        fcntl.flock(users, fcntl.LOCK_UN)
        return False
    try:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(users, fcntl.LOCK_UN)
    return True


def find_free_port() -> int:
    """Return a port of the loopback interface that nobody uses."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
