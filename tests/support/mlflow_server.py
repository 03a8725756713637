"""An MLflow server on a database, without the workers that its command starts around it."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from local.services.server import server
from tests.support.workers import LOOPBACK

SERVE = "from mlflow.server import app; from werkzeug.serving import run_simple; "


@contextmanager
def serve(database: str, folder: Path) -> Iterator[str]:
    """Run it until the end of the block, with its log in a folder; its address."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    url = f"http://{LOOPBACK}:{port}"

    def is_ready() -> bool:
        try:
            return requests.get(f"{url}/health", timeout=1).ok
        except requests.ConnectionError:
            return False

    store = f"import os; os.environ['_MLFLOW_SERVER_FILE_STORE'] = {database!r}; "
    command = [sys.executable, "-c", f"{store}{SERVE}run_simple('{LOOPBACK}', {port}, app, threaded=True)"]
    with server("mlflow", command, folder, is_ready):
        yield url
