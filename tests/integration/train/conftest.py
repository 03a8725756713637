"""One dataset of real rows, from made-up pull requests with habits, and one undisturbed training of it."""

from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from steps.common import tracing
from steps.common.dataset import RepositorySummary
from steps.scoring.features import NAMES
from steps.train.run import train_and_measure
from tests.support import builders
from tests.support.otlp_receiver import receiving
from tests.support.pulls import START
from tests.support.trainings import BUDGET, REPOSITORIES, SEED, Trained, pulls, settings, tables


@pytest.fixture(scope="session")
def dataset_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The dataset's address."""
    shares = {name: RepositorySummary(rows=0, first=START, last=START, watermark=None) for name in REPOSITORIES}
    return builders.publish(tmp_path_factory.mktemp("store"), tables(pulls()), NAMES, shares)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, dataset_uri: str) -> Trained:
    """A training that nothing disturbed."""
    store = Path(dataset_uri.removeprefix("file://")).parents[1]
    given = settings(tmp_path_factory.mktemp("undisturbed"), store)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        with receiving() as receiver:
            patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address)
            stop = tracing.start("pr-sentinel-train", {}, "a-run")
            with tracing.start_span("train", {}):
                answer = train_and_measure(dataset_uri, BUDGET, SEED)
            stop()
        return Trained(given, dataset_uri, answer, receiver.spans())


@pytest.fixture
def trained(undisturbed: Trained) -> Trained:
    """The training, whose MLflow is the one that is asked, whichever a test before has named."""
    mlflow.set_tracking_uri(undisturbed.settings["MLFLOW_URI"])
    return undisturbed


@pytest.fixture
def client(trained: Trained) -> MlflowClient:
    """MLflow as the undisturbed training left it."""
    return MlflowClient(trained.settings["MLFLOW_URI"])


@pytest.fixture
def environment(tmp_path: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings with an empty MLflow and the same store, in force for the test."""
    given = settings(tmp_path, Path(trained.settings["STORE_URL"].removeprefix("file://")))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given
