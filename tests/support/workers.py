"""A Bento's worker as a process, and what asks it, also while it is told to stop."""

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.support.command_line import ROOT, clean_environment
from tests.support.waiting import wait_until

LOOPBACK = "127.0.0.1"
READY_WITHIN = 120.0


class Worker:
    """One that runs on this machine."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.address = f"http://{LOOPBACK}:{port}"

    def wait(self) -> "Worker":
        """Wait until it is ready."""
        wait_ready(self.address, lambda: self.process.poll() is not None)
        return self


class Request:
    """A request to score whose body comes in two parts, with something in between."""

    def __init__(self, port: int, pull_request: Mapping[str, Any]) -> None:
        self._body = json.dumps({"pull_requests": [pull_request]}).encode()
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
        self._connection.putrequest("POST", "/score")
        self._connection.putheader("Content-Type", "application/json")
        self._connection.putheader("Content-Length", str(len(self._body)))
        self._connection.endheaders(self._body[:10])

    def end(self) -> tuple[int, Any]:
        """Send the rest; the answer's status and content."""
        self._connection.send(self._body[10:])
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())


def wait_ready(address: str, ended: Callable[[], bool]) -> None:
    """Wait until what listens at an address is ready."""

    def look() -> bool:
        if is_ready(address):
            return True
        assert not ended(), "it ended before it was ready"
        return False

    wait_until(look, f"{address} is ready", timeout=READY_WITHIN, interval=0.05)


def is_ready(address: str) -> bool:
    """Whether it says so."""
    try:
        return requests.get(f"{address}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def score(address: str, pull_request: Mapping[str, Any]) -> requests.Response:
    """Ask for the score of one pull request."""
    return requests.post(f"{address}/score", json={"pull_requests": [pull_request]}, timeout=30)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_source(model: Path, folder: Path, **settings: str) -> Iterator[Worker]:
    """The worker with this code and a model; its log is `folder/log`."""
    port = free_port()
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "steps.serve.bento_worker", "--port", str(port)],
            cwd=ROOT,
            env=clean_environment(MODEL_DIR=str(model), **settings),
            stdout=log,
            stderr=log,
            text=True,
        )
    try:
        yield Worker(process, port).wait()
    finally:
        process.kill()
        process.wait()


@contextmanager
def running(bento: Path, home: Path, **settings: str) -> Iterator[Worker]:
    """A Bento's own worker, as its image starts it, with these settings and no others."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "steps.serve.bento_worker", "--port", str(port)],
        cwd=bento / "src",
        env=clean_environment(BENTOML_HOME=str(home), BENTOML_DO_NOT_TRACK="True", **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Worker(process, port)
    finally:
        process.kill()
        process.communicate()
