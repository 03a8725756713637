"""Prometheus itself, over services on this machine, and what the panels of a dashboard show of them."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
import yaml

from local.services.server import server
from monitoring.panels import DashboardPanel
from monitoring.rules import RULES
from tests.support.workers import free_port

SCRAPE_SECONDS = 1
RATE_INTERVAL = f"{15 * SCRAPE_SECONDS}s"
"""What Grafana would fill in for `$__rate_interval`, at least four scrapes."""
POINTS = 200
"""As many as a line has at most."""


class Line(NamedTuple):
    """A line of a panel: its legend, and its points as seconds since 1970 and values."""

    legend: str
    seconds: Sequence[int]
    values: Sequence[float]


class Prometheus:
    """A running Prometheus, asked by its HTTP API."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.started = time.time()

    def read(self, panel: DashboardPanel) -> list[Line]:
        """Return the lines of a panel since the start."""
        return [line for legend, query in panel.queries.items() for line in self._read_query(legend, query)]

    def _read_query(self, legend: str, query: str) -> Iterator[Line]:
        now = time.time()
        asked: dict[str, str | float] = {
            "query": query.replace("$__rate_interval", RATE_INTERVAL),
            "start": self.started,
            "end": now,
            "step": max((now - self.started) / POINTS, SCRAPE_SECONDS),
        }
        answer = requests.get(f"{self.address}/api/v1/query_range", asked, timeout=30)
        answer.raise_for_status()
        for found in answer.json()["data"]["result"]:
            name = legend
            for label, value in found["metric"].items():
                name = name.replace("{{" + label + "}}", value)
            seconds, values = zip(*((round(second), float(value)) for second, value in found["values"]), strict=True)
            yield Line(name, seconds, values)


@contextmanager
def scraping(folder: Path, *addresses: str) -> Iterator[Prometheus]:
    """Run Prometheus with the project's rules over the metrics of services at these addresses."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not on the PATH")
    targets = [address.removeprefix("http://") for address in addresses]
    every = f"{SCRAPE_SECONDS}s"
    settings = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "pr-sentinel", "static_configs": [{"targets": targets}]}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        program,
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]

    def is_ready() -> bool:
        try:
            return requests.get(f"{address}/-/ready", timeout=1).ok
        except requests.RequestException:
            return False

    with server("prometheus", command, folder, is_ready):
        yield Prometheus(address)
