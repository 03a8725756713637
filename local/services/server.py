"""Servers that live as long as a run, including the clean-up of those that a killed run has left behind."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from local.engine import guard
from steps.common.errors import SentinelError, StorageFull, Unavailable, mentions_storage_full

LOOPBACK = "127.0.0.1"
READY_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 15.0
POLL_SECONDS = 0.05
KNOCK_SECONDS = 0.2
"""SecantusDB sees only at a connection, or after two seconds, that it is to end; but one that comes with the signal has
the thread that accepts it take the signal, too, of which the main thread then does not hear."""


@contextmanager
def exclusive_run(state: Path) -> Iterator[None]:
    """Lock a state folder for this run.

    Raises:
        Unavailable: another run is using it.
    """
    with (state / "run.lock").open("a+") as lock:
        if not try_lock(lock):
            raise Unavailable(
                f"Another run is using {state}.",
                advice="Wait until it has finished, or use another folder (STATE=).",
            )
        yield


@contextmanager
def server(
    name: str,
    command: Sequence[str],
    folder: Path,
    is_ready: Callable[[], bool] = lambda: True,
    port: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the end of the block, with its output in `folder/name.log`; yields when it is ready.

    The server inherits a lock on `folder/name.lock`, so the lock is held exactly as long as the server lives. One that
    waits for a connection before it ends gets it, where its port is given.

    Raises:
        Unavailable: the server does not become ready.
        StorageFull: there is no space left.
    """
    log = folder / f"{name}.log"
    with (folder / f"{name}.lock").open("a+") as lock, log.open("wb") as sink:
        _take_over_lock(lock)
        process = subprocess.Popen(  # noqa: S603  both commands are trusted
            [sys.executable, guard.__file__, str(os.getpid()), *command],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            pass_fds=[lock.fileno()],
            # Ctrl-C goes to the run, which stops the server after its steps.
            start_new_session=True,
        )
        lock.truncate(0)
        lock.write(str(process.pid))
        lock.flush()
    try:
        wait_until_ready(name, process, log, is_ready)
        yield process
    finally:
        _stop(process, port)


def try_lock(file: IO[str]) -> bool:
    """Take a file's lock if it is free; a process that exits releases its locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take_over_lock(lock: IO[str]) -> None:
    """Take the lock, stopping a server that still holds it because its run was killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + STOP_TIMEOUT_SECONDS
        while time.monotonic() < until:
            if try_lock(lock):
                return
            lock.seek(0)
            with suppress(ValueError, ProcessLookupError):
                os.kill(int(lock.read()), number)
            time.sleep(POLL_SECONDS)


def wait_until_ready(name: str, process: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], bool]) -> None:
    """Wait until a server is ready.

    Raises:
        Unavailable: the server exits or does not become ready.
        StorageFull: there is no space left.
    """
    until = time.monotonic() + READY_TIMEOUT_SECONDS
    while not is_ready():
        if process.poll() is not None:
            raise describe_failure(name, f"exited with code {process.returncode}", log)
        if time.monotonic() > until:
            raise describe_failure(name, f"was not ready within {READY_TIMEOUT_SECONDS:.0f} s", log)
        time.sleep(POLL_SECONDS)


def takes_connections(port: int) -> bool:
    """Return whether a server listens on a port of this machine, by connecting to it."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def describe_failure(name: str, what: str, log: Path) -> SentinelError:
    """Return the error for a server that can't be used, with the last line of its log."""
    output = log.read_text("utf-8", "replace").strip()
    if mentions_storage_full(output):
        return StorageFull(f"{name} has no space left.", advice=f"Free space for {log.parent}; the log is {log}.")
    last = output.splitlines()[-1] if output else "It logged nothing"
    return Unavailable(f"{name} {what}. {last}", advice=f"The log is {log}.")


def _stop(process: subprocess.Popen[bytes], port: int | None) -> None:
    process.terminate()
    until = time.monotonic() + STOP_TIMEOUT_SECONDS
    while time.monotonic() < until:
        with suppress(subprocess.TimeoutExpired):
            process.wait(KNOCK_SECONDS)
            return
        if port is not None:
            takes_connections(port)
    process.kill()
    process.wait()
