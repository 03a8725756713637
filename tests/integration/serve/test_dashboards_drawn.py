"""A working service, a real Prometheus beside it, and what the dashboards then show: drawn, to be looked at."""

import json
import os
import random
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import requests

from monitoring.panels import DASHBOARDS
from samples import deliver, raw
from samples.generate import generate_repositories
from tests.support import panel_pictures, prometheus
from tests.support.serve_command import serving
from tests.support.webhook.hook import SECRET, SHOP

pytestmark = pytest.mark.slow
SECONDS = float(os.environ.get("DASHBOARD_SECONDS") or 45)
"""How long the service works before the dashboards are drawn; longer, and the pictures are worth more."""
ALWAYS = {
    "service": {
        "Requests",
        "Share of failed requests",
        "Time of a request for a score",
        "Pods with a valid model",
        "Deliveries",
        "Deliveries that wait",
        "Predictions that are not written yet, and dropped",
    },
    "model": {
        "Scores",
        "Share flagged in a day, and the alert budget",
        "Source of the history",
        "Pods by model version",
        "Age of the newest pull request that the served model has learned from",
    },
}
"""Panels that have lines wherever a service works; the others need votes, waiting deliveries, or a cluster."""


def test_every_panel_of_service_and_model_has_lines(trained: Path, tmp_path: Path) -> None:
    """Those of one service; the pictures are in the folder PICTURES, if it is set."""
    pictures = Path(os.environ.get("PICTURES") or tmp_path / "pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    state = tmp_path / "state"
    for name in ("mongo", "store"):
        shutil.copytree(trained / name, state / name)
    shutil.copy(trained / "mlflow.db", state)
    with serving(state, WEBHOOK_SECRET=SECRET) as served, prometheus.scraping(tmp_path, served.address) as server:
        served.ready()
        served.drain()
        send_work(served.address)
        for name, titles in ALWAYS.items():
            lines = {panel.title: server.read(panel) for panel in DASHBOARDS[name].panels}
            panel_pictures.draw(DASHBOARDS[name], lines, pictures / f"{name}.png")
            assert {title for title, found in lines.items() if found} >= titles
            assert (pictures / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def send_work(address: str) -> None:
    """Ask for scores at a varying pace, deliver pull requests, and send what is refused."""
    drawn = random.Random(7)
    samples = raw.build_newest(200)
    until = time.monotonic() + SECONDS
    numbers = iter(range(2_001, 2_600))
    while time.monotonic() < until:
        given: list[dict[str, Any]] = drawn.sample(samples, drawn.choice((1, 1, 1, 8)))
        assert requests.post(f"{address}/score", json={"pull_requests": given}, timeout=30).ok
        if drawn.random() < 0.4:
            send_delivery(address, next(numbers))
        if drawn.random() < 0.05:
            assert requests.post(f"{address}/score", json={}, timeout=30).status_code == 422
        time.sleep(drawn.uniform(0.05, 0.6))


def send_delivery(address: str, number: int) -> None:
    """Deliver one of the samples as opened."""
    body = json.dumps(deliver.build_payload(generate_repositories()[SHOP], number, "opened")).encode()
    headers = deliver.build_headers(body, SECRET, str(uuid.uuid4()))
    assert requests.post(f"{address}/webhook", body, headers=headers, timeout=30).status_code in {200, 202}
