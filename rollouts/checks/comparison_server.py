"""Comparisons over HTTP, for a web metric of Argo Rollouts: a Job can only pass or fail, and not be inconclusive.

A web metric takes a response with a status of 2xx for a success if it is not JSON, so only a whole answer has one here.
"""

import json
import signal
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rollouts.checks.compare import Comparison
from rollouts.checks.live import Revision
from steps.common.errors import SentinelError


def build_handler(compare: Callable[[Revision], Comparison]) -> type[BaseHTTPRequestHandler]:
    """Return a handler of GET /?pod-hash=…&digest=…, which responds with the verdict and its explanation in lines."""

    class ComparisonHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond(*self._compare())

        def _compare(self) -> tuple[HTTPStatus, dict[str, Any]]:
            given = parse_qs(urlsplit(self.path).query)
            if not {"pod-hash", "digest"} <= given.keys():
                return HTTPStatus.BAD_REQUEST, {"detail": "The parameters pod-hash and digest are needed."}
            try:
                found = compare(Revision(given["pod-hash"][0], given["digest"][0]))
            except SentinelError as error:
                return HTTPStatus.SERVICE_UNAVAILABLE, {"detail": str(error)}
            return HTTPStatus.OK, {"verdict": found.word, "lines": found.lines}

        def _respond(self, status: HTTPStatus, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            # Without it, a response that breaks off would seem to be whole.
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ComparisonHandler


def serve(compare: Callable[[Revision], Comparison], port: int) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        OSError: the port is taken.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ThreadingHTTPServer(("", port), build_handler(compare)) as server, suppress(KeyboardInterrupt):
        server.serve_forever()
