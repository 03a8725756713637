"""What a cluster would have beside the steps, on this machine: storage that speaks S3, and MLflow."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from local.services.server import server
from tests.support.workers import LOOPBACK, free_port


@contextmanager
def s3(folder: Path) -> Iterator[str]:
    """Its address; what is in it is in memory."""
    with _running("s3", ("moto.server", "-H"), "/moto-api/", folder) as address:
        yield address


@contextmanager
def mlflow(folder: Path) -> Iterator[str]:
    """Its address; runs and models are in the folder, and clients send it the files."""
    kept = ("--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/artifacts")
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # nothing here needs those processes
    with _running("mlflow", ("mlflow", "server", "--workers", "1", *kept, "-h"), "/health", folder) as address:
        yield address


@contextmanager
def _running(name: str, module: Sequence[str], health: str, folder: Path) -> Iterator[str]:
    """A server that takes a port by `-p` and says at a path that it is ready."""
    port = free_port()
    address = f"http://{LOOPBACK}:{port}"

    def answers() -> bool:
        try:
            return requests.get(f"{address}{health}", timeout=1).ok
        except requests.RequestException:
            return False

    with server(name, [sys.executable, "-m", *module, LOOPBACK, "-p", str(port)], folder, answers):
        yield address
