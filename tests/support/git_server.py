"""A real Git server on this machine: git's own http-backend over HTTP, to bare repositories that take every push."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.http_server import serve
from tests.support.workers import LOOPBACK


class Handler(BaseHTTPRequestHandler):
    """Hands each request to `git http-backend`, as a web server would by CGI."""

    root: Path

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name in the base class
        """Say nothing."""

    def do_GET(self) -> None:
        """Fetching, and what comes before pushing."""
        self._backend(b"")

    def do_POST(self) -> None:
        """Fetching and pushing; git sends what is long in chunks."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            self._backend(b"".join(self._chunks()))
        else:
            self._backend(self.rfile.read(int(self.headers["Content-Length"])))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _backend(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        asked = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": LOOPBACK,
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=os.environ | asked, stdout=subprocess.PIPE, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """The address of the folder's bare repositories, to which anybody may push."""
    handler = type("BoundHandler", (Handler,), {"root": root})
    with serve(handler) as server:
        yield f"http://{LOOPBACK}:{server.server_port}"
