"""Register against an MLflow server, which asks for more than a database does."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow import MlflowClient

from local.services.server import server
from steps.common.errors import NotFound
from steps.register.registry import decide_and_register

LOOPBACK = "127.0.0.1"
# MLflow's own application, without the workers that its command starts around it.
SERVE = "import sys; from mlflow.server import app; from werkzeug.serving import run_simple; "


@pytest.fixture
def address(trainings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server on the test's own copy of the trainings, which the step's settings name."""
    settings = trainings.environment(tmp_path)
    monkeypatch.setenv("_MLFLOW_SERVER_FILE_STORE", settings["MLFLOW_URI"])
    monkeypatch.setenv("STORE_URL", settings["STORE_URL"])
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    url = f"http://{LOOPBACK}:{port}"
    monkeypatch.setenv("MLFLOW_URI", url)

    def is_ready() -> bool:
        try:
            return requests.get(f"{url}/health", timeout=1).ok
        except requests.ConnectionError:
            return False

    command = [sys.executable, "-c", f"{SERVE}run_simple('{LOOPBACK}', {port}, app, threaded=True)"]
    with server("mlflow", command, tmp_path, is_ready):
        yield url


def test_a_server_gets_the_same_registry_as_a_database(address: str, trainings: Any) -> None:
    """A first model, a better one, nothing new, a worse one, and a run that isn't there."""
    expected = [("faint", "1", "accepted"), ("good", "2", "accepted"), ("twin", "2", "unchanged")]
    for name, version, decision in [*expected, ("newer faint", "", "refused")]:
        answer = decide_and_register(**trainings[name])
        assert (answer["version"], answer["decision"]) == (version, decision)
    registered = MlflowClient(address).get_registered_model("pr-sentinel")
    assert registered.aliases == {"champion": "2", "challenger": "2"}
    with pytest.raises(NotFound, match=address):
        decide_and_register(**trainings["good"] | {"run_id": "0" * 32})
