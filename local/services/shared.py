"""Servers that several commands on one state folder use at a time: the first one starts it, the last one ends it."""

import fcntl
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from local.services.server import END_WITHIN, LOOK_EVERY, READY_WITHIN, broken, locked, wait

LOOPBACK = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def shared(
    name: str, folder: Path, command: Callable[[int], Sequence[str]], answers: Callable[[int], bool]
) -> Iterator[int]:
    """Use a server of a folder until the end of the block; `folder/name.log` takes its words. Yields its port.

    Every user holds a lock, which ends with its process; the server's keeper ends it when nobody holds one any more.

    Args:
        name: what its files are called.
        folder: where they are.
        command: what runs it on a port.
        answers: whether it is ready on a port.

    Raises:
        Unavailable: it does not get ready.
        StorageFull: because there is no space left.
    """
    with (folder / f"{name}.users").open("a+") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield _joined(name, folder, command, answers)
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            _wait_for_end(users, folder / f"{name}.kept")


def _joined(name: str, folder: Path, command: Callable[[int], Sequence[str]], answers: Callable[[int], bool]) -> int:
    """The port of the server that is kept already, or of one that is started now."""
    port_file = folder / f"{name}.port"
    until = time.monotonic() + READY_WITHIN
    with (folder / f"{name}.starting").open("a+") as starting, (folder / f"{name}.kept").open("a+") as kept:
        fcntl.flock(starting, fcntl.LOCK_EX)
        while not locked(kept):
            with suppress(OSError, ValueError):
                if answers(port := int(port_file.read_text())):
                    return port
            if time.monotonic() > until:
                raise broken(name, f"was not ready within {READY_WITHIN:.0f} s", folder / f"{name}.log")
            time.sleep(LOOK_EVERY)
        port = _free_port()
        port_file.write_text(str(port))
        keeper = _keeper(name, folder, command(port), kept)
        wait(name, keeper, folder / f"{name}.log", lambda: answers(port))
        return port


def _keeper(name: str, folder: Path, command: Sequence[str], kept: IO[str]) -> subprocess.Popen[bytes]:
    """Start the process that keeps the server; it holds the lock `kept` as long as it lives."""
    return subprocess.Popen(  # noqa: S603  the commands are ours
        [sys.executable, "-m", "local.services.keeper", name, str(folder), *command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[kept.fileno()],
        # Ctrl-C in a terminal is for its users.
        start_new_session=True,
    )


def _wait_for_end(users: IO[str], path: Path) -> None:
    """Wait until the keeper has gone, unless others go on with the server."""
    until = time.monotonic() + END_WITHIN
    with path.open("a+") as kept:
        while time.monotonic() < until and not locked(kept):
            if _others_hold(users):
                return
            time.sleep(LOOK_EVERY)


def _others_hold(users: IO[str]) -> bool:
    """Whether others use the server; the keeper, when it ends the server, lets nobody have the lock."""
    if locked(users):
        fcntl.flock(users, fcntl.LOCK_UN)
        return False
    try:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(users, fcntl.LOCK_UN)
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
