"""An images' registry that can be read, from a folder."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.workers import LOOPBACK


class Quiet(SimpleHTTPRequestHandler):
    """Static files, which is all that reading from a registry takes."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name in the base class
        """Say nothing."""


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """The host of a registry whose API's answers are files in a folder, such as `v2/NAME/manifests/DIGEST`."""
    with ThreadingHTTPServer((LOOPBACK, 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
