"""The servers to compare, each with one worker in its own process on this machine."""

import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil

from benchmarks.serving.client import LOOPBACK

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 90
POLL_SECONDS = 0.02
PYTHON = (sys.executable, "-m")
BENTOML, ADDRESS = (*PYTHON, "bentoml", "serve"), ("--host", LOOPBACK, "--port", "{port}")
UVICORN = (*PYTHON, "uvicorn", "--port", "{port}", "--no-access-log", "--log-level", "warning")
OURS, FASTAPI, FLASK = "ours", "FastAPI + uvicorn, same model and features", "Flask, Keras `predict` per request"
COMMANDS: dict[str, tuple[str, ...]] = {
    OURS: (*PYTHON, "steps.serve.bento_worker", "--port", "{port}"),
    FASTAPI: (*UVICORN, "benchmarks.serving.plain:app"),
    FLASK: (
        *(*PYTHON, "gunicorn", "benchmarks.serving.usual:app", "--bind", f"{LOOPBACK}:{{port}}"),
        *("--workers", "1", "--threads", "4", "--timeout", "120", "--log-level", "warning"),
    ),
    "ours, by `bentoml serve`": (*BENTOML, "steps.serve.service:ModelServing", *ADDRESS),
    "ours, no micro-batching": (*UVICORN, "benchmarks.serving.alone:app"),
    "BentoML's adaptive batching": (*(*BENTOML, "benchmarks.serving.batched:Batched", *ADDRESS),),
}


@dataclass(frozen=True)
class Server:
    """A server that is ready to score."""

    name: str
    port: int
    process: psutil.Process
    seconds_to_score: float

    def processes(self) -> list[psutil.Process]:
        """Return the server's process and its descendants."""
        return [self.process, *self.process.children(recursive=True)]

    def memory(self) -> float:
        """Return the memory of all its processes [MiB]."""
        return float(sum(one.memory_info().rss for one in self.processes())) / 2**20

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of all its processes."""
        return float(sum(sum(one.cpu_times()[:2]) for one in self.processes()))


@contextmanager
def run_server(name: str, settings: Mapping[str, str], cwd: Path, warm: Sequence[object]) -> Iterator[Server]:
    """Start one of COMMANDS and wait until it has scored `warm`."""
    port, body = _free_port(), json.dumps({"pull_requests": warm}).encode()
    command = [part.format(port=port) for part in COMMANDS[name]]
    with tempfile.TemporaryFile() as log:
        begin = time.monotonic()
        process = psutil.Popen(
            command, cwd=cwd, env=os.environ | dict(settings), stdout=log, stderr=log, start_new_session=True
        )
        try:
            while not _is_scoring(port, body):
                if process.poll() is not None or time.monotonic() > begin + TIMEOUT_SECONDS:
                    log.seek(0)
                    raise SystemExit(f"{name} did not start:\n{log.read().decode()}")
                time.sleep(POLL_SECONDS)
            yield Server(name, port, psutil.Process(process.pid), time.monotonic() - begin)
        finally:
            _stop(process)


def _stop(process: psutil.Popen) -> None:
    """Stop the server's process group, with a time limit."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(TIMEOUT_SECONDS)
    except psutil.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _is_scoring(port: int, body: bytes) -> bool:
    headers = {"Content-Type": "application/json"}
    try:
        with urlopen(Request(f"http://{LOOPBACK}:{port}/score", body, headers), timeout=10) as answer:
            return bool(answer.status == 200)
    except HTTPError as error:
        if error.code != 503:
            raise SystemExit(f"{error.code}: {error.read().decode()}") from None
        return False
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
