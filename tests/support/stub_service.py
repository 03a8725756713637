"""A service whose answers a test chooses, for checks that ask one: JSON by path, with what was asked kept."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.support import http_server
from tests.support.workers import LOOPBACK

Answer = Callable[[str, Any], tuple[int, dict[str, str], Any]]
"""From a path and its body (None for GET) to status, headers and JSON, or bytes as they are."""


class StubService(NamedTuple):
    """Its address, and the paths and bodies that it was asked, in order."""

    address: str
    asked: list[tuple[str, Any]]


@contextmanager
def serve(answer: Answer) -> Iterator[StubService]:
    """Run it until the end of the block."""
    asked: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: Any) -> None:
            asked.append((self.path, body))
            status, headers, content = answer(self.path, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content if isinstance(content, bytes) else json.dumps(content).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name in the base class
            """Say nothing."""

    with http_server.serve(Handler) as server:
        yield StubService(f"http://{LOOPBACK}:{server.server_port}", asked)
