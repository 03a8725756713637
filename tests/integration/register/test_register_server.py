"""Register against an MLflow server, which asks for more than a database does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from steps.common.errors import NotFound
from steps.register.registry import decide_and_register
from tests.support import mlflow_server


@pytest.fixture
def address(trainings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server on the test's own copy of the trainings, which the step's settings name."""
    settings = trainings.environment(tmp_path)
    monkeypatch.setenv("STORE_URL", settings["STORE_URL"])
    with mlflow_server.serve(settings["MLFLOW_URI"], tmp_path) as url:
        monkeypatch.setenv("MLFLOW_URI", url)
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
