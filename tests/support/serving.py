"""The service as a process of its own, for as long as a block."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests

from local.services.server import server
from steps.common.settings import ServeSettings
from tests.support.waiting import wait_until
from tests.support.workers import free_port

BENTOML = (str(Path(sys.executable).with_name("bentoml")), "serve", "steps.serve.service:ModelServing")
WORKER = (sys.executable, "-m", "steps.serve.bento_worker")
"""What a container runs: the same application, which starts in half of the time."""


class Running(NamedTuple):
    """Its address, the process, and the file that takes its words."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str) -> requests.Response:
        """What it answers."""
        return requests.get(f"{self.address}{path}", timeout=30)

    def line(self, request_id: str) -> dict[str, Any]:
        """What its log says of a request, which it says just after the answer."""

        def look() -> list[dict[str, Any]]:
            return [one for one in self.lines() if one.get("request_id") == request_id]

        return wait_until(look, f"a line of the log for {request_id}")[-1]

    def lines(self) -> list[dict[str, Any]]:
        """What its log says so far, of all that is JSON."""
        lines = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]


@contextmanager
def running(
    folder: Path, settings: Mapping[str, str], path: str = "/readyz", program: tuple[str, ...] = BENTOML
) -> Iterator[Running]:
    """The service with these settings and no others, run by one of the two programs, from when `path` answers well."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    given = {"BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "true", **settings}
    unset = [word for name in ServeSettings.model_fields for word in ("-u", name.upper())]
    command = [
        *("/usr/bin/env", *unset, *(f"{name}={value}" for name, value in given.items())),
        *(*program, "--host", "127.0.0.1", "--port", str(port)),
    ]

    def answers() -> bool:
        try:
            return requests.get(f"{address}{path}", timeout=1).ok
        except requests.RequestException:
            return False

    with server("service", command, folder, answers) as process:
        yield Running(address, process, folder / "service.log")
