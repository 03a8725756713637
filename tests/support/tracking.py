"""An empty MLflow, whose tables are made once for each process: making them takes a second."""

import functools
import tempfile
from pathlib import Path

from mlflow import MlflowClient

FILE = "mlflow.db"


def empty(folder: Path) -> str:
    """Put the database of an MLflow without runs and models into a folder; its URI."""
    path = folder / FILE
    path.write_bytes(_content())
    return f"sqlite:///{path}"


@functools.cache
def _content() -> bytes:
    """What MLflow itself makes of a database that does not exist yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, FILE)
        MlflowClient(f"sqlite:///{path}").search_experiments()
        return path.read_bytes()
