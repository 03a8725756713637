"""`pr-sentinel serve` as a process, as long as a block."""

import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support import workers
from tests.support.command_line import start_cli


class Serving:
    """The running command, and its output so far."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.address = f"http://{workers.LOOPBACK}:{port}"
        self.port = port
        self.family: list[psutil.Process] = []

    def ready(self) -> list[str]:
        """Wait until it is ready, and return its output."""
        assert self.process.stdout is not None
        said: list[str] = []
        while "looked up in the fake GitHub of the samples" not in (said[-1] if said else ""):
            line = self.process.stdout.readline()
            assert line, f"it ended: {said}"
            said.append(line.rstrip())
        self.family = psutil.Process(self.process.pid).children(recursive=True)
        return said

    def drain(self) -> None:
        """Read its output from now on, for it would wait for a reader once the pipe is full."""
        threading.Thread(target=deque, args=(self.process.stdout, 0), daemon=True).start()

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal, and return the exit code and the last output."""
        self.process.send_signal(number)
        words, _ = self.process.communicate(timeout=60)
        return self.process.returncode, words


@contextmanager
def serving(state: Path, **environment: str) -> Iterator[Serving]:
    """Run the command on a free port, without a token."""
    port = workers.free_port()
    # What tests in the background ignore, their children would too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = start_cli(
        "serve", "--state", str(state), "--port", str(port), environment=environment, stderr=subprocess.STDOUT
    )
    signal.signal(signal.SIGINT, before)
    try:
        yield Serving(process, port)
    finally:
        process.kill()
        process.communicate()
