"""One dataset of real rows, from made-up pull requests with habits, and one undisturbed training of it."""

from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import pyarrow as pa
import pytest
from mlflow import MlflowClient

from samples import rest
from samples.generate import repositories
from samples.records import Pull, Repository
from steps.common import dataset
from steps.common.pull_request import PullRequest
from steps.preprocess.injection import Text
from steps.preprocess.rows import ROW_SCHEMA
from steps.scoring.features import NAMES
from steps.scoring.row import as_row
from steps.train.run import train_and_measure
from tests.support import builders
from tests.support.pulls import START, passed

BUDGET, SEED = 0.01, 7
REPOSITORIES = ("example/compiler", "example/docs", "example/webshop")
SCHEMA = pa.schema([field for field in ROW_SCHEMA if field.name not in {"split", "state"}])


class Trained(NamedTuple):
    """Where everything is, and what the step returned."""

    settings: dict[str, str]
    dataset_uri: str
    answer: dict[str, Any]


def row(repository: Repository, pull: Pull) -> dict[str, Any]:
    """A made-up pull request as the pass reads it."""
    given = rest.single(pull, repository, "https://api.github.example") | {"files": rest.files(pull)}
    return as_row(PullRequest.model_validate(given))


def tables() -> dict[str, pa.Table]:
    """Rows by split, of the sample repositories."""
    samples = repositories()
    given = [row(samples[name], pull) for name in REPOSITORIES for pull in samples[name].pulls.values()]
    given.sort(key=lambda one: (one["repository"], one["created_at"], one["number"]))
    texts = [Text(one["repository"], one["title"], one["body"]) for one in given[::20]]
    rows = passed(given, texts=texts)
    return {
        split: pa.Table.from_pylist([row for row in rows if row["split"] == split], schema=SCHEMA)
        for split in ("train", "validation", "test", "injected")
    }


def settings(folder: Path, store: Path) -> dict[str, str]:
    """The environment of a train step with an MLflow of its own."""
    return {
        "STORE_URL": f"file://{store}",
        "MLFLOW_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_ARTIFACTS": f"file://{folder}/artifacts",
        "GIT_COMMIT": "0" * 40,
    }


@pytest.fixture(scope="session")
def dataset_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The dataset's address."""
    shares = {name: dataset.Repository(rows=0, first=START, last=START, watermark=None) for name in REPOSITORIES}
    return builders.publish(tmp_path_factory.mktemp("store"), tables(), NAMES, shares)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, dataset_uri: str) -> Trained:
    """A training that nothing disturbed."""
    store = Path(dataset_uri.removeprefix("file://")).parents[1]
    given = settings(tmp_path_factory.mktemp("undisturbed"), store)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        return Trained(given, dataset_uri, train_and_measure(dataset_uri, BUDGET, SEED))


@pytest.fixture
def client(trained: Trained) -> MlflowClient:
    """MLflow as the undisturbed training left it."""
    mlflow.set_tracking_uri(trained.settings["MLFLOW_URI"])
    return MlflowClient()


@pytest.fixture
def environment(tmp_path: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings with an empty MLflow and the same store, in force for the test."""
    given = settings(tmp_path, Path(trained.settings["STORE_URL"].removeprefix("file://")))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given
