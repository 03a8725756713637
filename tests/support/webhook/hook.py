"""GitHub and a maintainer in a test: sends deliveries and reads their outcomes."""

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from pymongo.database import Database

from samples import deliver
from samples.generate import generate_repositories
from steps.common.pull_request import PullRequest
from tests.support.github import StandIn
from tests.support.waiting import wait_until
from tests.support.webhook import app as application

Mongo = Database[dict[str, Any]]
SECRET = "correct horse battery staple"  # noqa: S105 - it guards nothing
SHOP = "example/webshop"
ALL = generate_repositories()
STOP_SECONDS = 30
"""A service that takes longer will never stop."""
PAYLOAD = json.dumps(deliver.build_payload(ALL[SHOP], 12, "opened", 4)).encode()


def headers(raw: bytes = PAYLOAD, **changes: str | None) -> dict[str, str]:
    """Return valid headers with some changes (None removes one)."""
    right = deliver.build_headers(raw, SECRET, str(uuid.uuid4()))
    given = right | {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in given.items() if value is not None}


class Hook:
    """A webhook of GitHub at a service."""

    def __init__(self, address: str, database: Mongo, github: StandIn) -> None:
        self.address = address
        self._database = database
        self._github = github
        ALL[SHOP].restore()

    def send(
        self, number: int = 12, action: str = "opened", *, delivery: str | None = None, installation: int | None = None
    ) -> requests.Response:
        """Deliver an event of a pull request."""
        payload = deliver.build_payload(ALL[SHOP], number, action, installation)
        raw = json.dumps({**payload, "moment": uuid.uuid4().hex}).encode()  # GitHub's bodies differ in times
        return self.post(raw, deliver.build_headers(raw, SECRET, delivery or str(uuid.uuid4())))

    def post(self, raw: bytes, headers: dict[str, str]) -> requests.Response:
        """Deliver anything."""
        return requests.post(f"{self.address}/webhook", raw, headers=headers, timeout=20)

    def deliver(self, number: int = 12, action: str = "opened", *, installation: int | None = None) -> dict[str, Any]:
        """Deliver an event and wait for its outcome."""
        delivery = str(uuid.uuid4())
        answer = self.send(number, action, delivery=delivery, installation=installation)
        assert answer.status_code == 202, answer.text
        return self.wait_for(delivery)

    def wait_for(self, delivery: str) -> dict[str, Any]:
        """Wait until a delivery has ended, and return it."""
        wanted = {"_id": delivery, "state": {"$ne": "waiting"}}
        return dict(wait_until(lambda: self._database.deliveries.find_one(wanted)))

    def insert_delivery(self, delivery: str, **fields: Any) -> None:
        """Insert a delivery as another service left it, once this one has created the collection."""
        wait_until(lambda: self._database.list_collection_names(filter={"name": "deliveries"}))
        self._database.deliveries.insert_one({"_id": delivery, **fields})

    def push(self, number: int = 12, additions: int = 5_000, **fields: Any) -> None:
        """Change a pull request from now on, as a push does."""
        fields = {"additions": additions, **fields}
        self._github.control(change={f"{SHOP}#{number}": fields})
        ALL[SHOP].change(number, fields)

    def read_writes(self) -> dict[str, Any]:
        """Return what was written to GitHub."""
        return dict(requests.get(f"{self._github.address}/_written", timeout=10).json())

    def comments(self) -> list[dict[str, Any]]:
        """Return the comments that were posted."""
        return list(self.read_writes()["comments"])

    def check_runs(self) -> list[dict[str, Any]]:
        """Return the check runs that were created."""
        return list(self.read_writes()["check_runs"])

    def sha(self, number: int = 12) -> str:
        """Return the head commit of a pull request."""
        return str(self._fetch(number)["head"]["sha"])

    def pull(self, number: int) -> PullRequest:
        """Return the present state of a pull request."""
        return PullRequest.model_validate(self._fetch(number))

    def _fetch(self, number: int) -> dict[str, Any]:
        url = f"{self._github.address}/repos/{SHOP}/pulls/{number}"
        return dict(requests.get(url, headers={"Authorization": "token somebody"}, timeout=10).json())


def read_expiry(database: Mongo, name: str) -> int | None:
    """Return the seconds after which documents of a collection expire; None if they don't."""
    found = [index.get("expireAfterSeconds") for index in database[name].index_information().values()]
    return next((seconds for seconds in found if seconds), None)


def shorten_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits of a service in this process."""
    for module, values in application.list_short_waits().items():
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Run an application behind a real server in a thread; yields its URL."""
    server = application.server(app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        yield server.address
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
        assert not thread.is_alive(), f"the service is still running {STOP_SECONDS} s after it was stopped"


@contextmanager
def process(folder: Path, lease: float = 120) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a service as its own process, whose log is `folder/log`; yields it and its URL."""
    told = folder / f"{uuid.uuid4().hex}.port"
    environment = os.environ | {"LEASE_SECONDS": str(lease)}
    command = [sys.executable, "-m", "tests.support.webhook.app", str(told)]
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(command, env=environment, stderr=log, stdout=log)
    try:
        wait_until(told.exists)
        yield running, told.read_text()
    finally:
        running.kill()
        running.wait()
