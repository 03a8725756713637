"""An HTTP endpoint for OpenLineage events that keeps what it receives."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any
from unittest import mock

from tests.support.http_server import serve

PATH = "/api/v1/lineage"
EVENTS_FILE, EVENTS_RECEIVED = "lineage.jsonl", "lineage-received.json"
"""Beside the state of the sample run: the events in a file, one on each line, and those that a server got."""


class LineageSink:
    """What arrived; `raw` are the bodies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.raw: list[bytes] = []
        self.authorizations: list[str | None] = []

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events so far, in the order of their arrival."""
        return [json.loads(body) for body in self.raw]


@contextmanager
def receiving(status: int = 201, until: Event | None = None) -> Iterator[LineageSink]:
    """Receive events on a free port, and answer with this status, but not before `until` is set."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if until:
                until.wait()
            if self.path == PATH:
                sink.raw.append(body)
                sink.authorizations.append(self.headers.get("Authorization"))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with serve(Handler) as server:
        sink = LineageSink(f"http://127.0.0.1:{server.server_port}")
        try:
            yield sink
        finally:
            if until:
                until.set()


@contextmanager
def without_sink() -> Iterator[None]:
    """Take away what configures a sink, and what the client adds to the environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENLINEAGE")}
    with mock.patch.dict(os.environ, kept, clear=True):
        yield


@contextmanager
def receiving_own() -> Iterator[LineageSink]:
    """Receive the events of this process' steps; the client writes variables itself, which are gone afterwards."""
    with receiving() as sink, mock.patch.dict(os.environ, {"OPENLINEAGE_URL": sink.address}):
        yield sink


def configure_both(sink: LineageSink, file: Path) -> dict[str, str]:
    """The client's variables for a file and this sink."""
    prefix = "OPENLINEAGE__TRANSPORT__TRANSPORTS"
    return {
        "OPENLINEAGE__TRANSPORT__TYPE": "composite",
        f"{prefix}__FILE__TYPE": "file",
        f"{prefix}__FILE__LOG_FILE_PATH": str(file),
        f"{prefix}__FILE__APPEND": "true",
        f"{prefix}__SERVER__TYPE": "http",
        f"{prefix}__SERVER__URL": sink.address,
    }


def get_tags(event: dict[str, Any]) -> dict[str, str]:
    """The tags of a run."""
    return {one["key"]: one["value"] for one in event["run"]["facets"]["tags"]["tags"]}


def find_datasets(event: dict[str, Any], side: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The datasets of `inputs` or `outputs`, by namespace, name and version."""
    found: Sequence[dict[str, Any]] = event[side]
    return {
        (one["namespace"], one["name"], one["facets"].get("version", {}).get("datasetVersion", "")): one
        for one in found
    }
