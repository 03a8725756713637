"""The service as a process of its own, as `bentoml serve` runs it, for as long as a block."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests

from local.services.server import server
from steps.common.settings import ServeSettings
from tests.support.workers import free_port

PATIENCE_SECONDS = 20


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
        until = time.monotonic() + PATIENCE_SECONDS
        while not (found := [one for one in self.lines() if one.get("request_id") == request_id]):
            assert time.monotonic() < until, f"no line for {request_id}"
            time.sleep(0.02)
        return found[-1]

    def lines(self) -> list[dict[str, Any]]:
        """What its log says so far, of all that is JSON."""
        lines = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]


@contextmanager
def running(folder: Path, settings: Mapping[str, str], path: str = "/readyz") -> Iterator[Running]:
    """The service with these settings and no others, from when `path` answers well."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    given = {"BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "true", **settings}
    unset = [word for name in ServeSettings.model_fields for word in ("-u", name.upper())]
    command = [
        *("/usr/bin/env", *unset, *(f"{name}={value}" for name, value in given.items())),
        *(str(Path(sys.executable).with_name("bentoml")), "serve", "steps.serve.service:ModelServing"),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]

    def answers() -> bool:
        try:
            return requests.get(f"{address}{path}", timeout=1).ok
        except requests.RequestException:
            return False

    with server("service", command, folder, answers) as process:
        yield Running(address, process, folder / "service.log")
