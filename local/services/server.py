"""Servers that live as long as a run: started, waited for, ended; and what a killed run has left is cleared away."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from local.engine import guard
from steps.common.errors import SentinelError, StorageFull, Unavailable

READY_WITHIN = 60.0
END_WITHIN = 15.0
LOOK_EVERY = 0.05
NO_SPACE = ("no space left", "enospc", "disk quota exceeded")


@contextmanager
def only_run(state: Path) -> Iterator[None]:
    """Hold a state folder for this run alone.

    Raises:
        Unavailable: another run holds it.
    """
    with (state / "run.lock").open("a+") as lock:
        if not locked(lock):
            raise Unavailable(
                f"Another run is using {state}.",
                advice="Wait for its end, or give this one a folder of its own (STATE=).",
            )
        yield


@contextmanager
def server(
    name: str, command: Sequence[str], folder: Path, is_ready: Callable[[], bool] = lambda: True
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, `folder/name.log` taking its words, from when it is ready until the end of the block.

    The server inherits a lock on `folder/name.lock`, so the lock is held exactly as long as the server lives.

    Raises:
        Unavailable: it does not get ready.
        StorageFull: because there is no space left.
    """
    log = folder / f"{name}.log"
    with (folder / f"{name}.lock").open("a+") as lock, log.open("wb") as sink:
        _clear(lock)
        process = subprocess.Popen(  # noqa: S603  both commands are ours
            [sys.executable, guard.__file__, str(os.getpid()), *command],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            pass_fds=[lock.fileno()],
            # Ctrl-C in a terminal is for the run, which ends the server when its steps have ended.
            start_new_session=True,
        )
        lock.truncate(0)
        lock.write(str(process.pid))
        lock.flush()
    try:
        wait(name, process, log, is_ready)
        yield process
    finally:
        _end(process)


def locked(file: IO[str]) -> bool:
    """Take a file's lock, if nobody has it; a process that ends lets go of its locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clear(lock: IO[str]) -> None:
    """Take the lock; whoever still holds it was left behind by a run that was killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + END_WITHIN
        while time.monotonic() < until:
            if locked(lock):
                return
            lock.seek(0)
            with suppress(ValueError, ProcessLookupError):
                os.kill(int(lock.read()), number)
            time.sleep(LOOK_EVERY)


def wait(name: str, process: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], bool]) -> None:
    """Wait for a server whose words are in a log.

    Raises:
        Unavailable: it ends, or does not get ready.
        StorageFull: because there is no space left.
    """
    until = time.monotonic() + READY_WITHIN
    while not is_ready():
        if process.poll() is not None:
            raise broken(name, f"ended with exit code {process.returncode}", log)
        if time.monotonic() > until:
            raise broken(name, f"was not ready within {READY_WITHIN:.0f} s", log)
        time.sleep(LOOK_EVERY)


def broken(name: str, what: str, log: Path) -> SentinelError:
    """The error for a server that can't be used, with its last words."""
    said = log.read_text("utf-8", "replace").strip()
    if any(words in said.lower() for words in NO_SPACE):
        return StorageFull(f"{name} has no space left.", advice=f"Free some where {log.parent} is; its log is {log}.")
    last = said.splitlines()[-1] if said else "It said nothing"
    return Unavailable(f"{name} {what}. {last}", advice=f"Its log is {log}.")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
