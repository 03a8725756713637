"""On real pull requests the service scores what training scored: features from Spark, and features of its own."""

from pathlib import Path
from typing import Any

import mlflow
import pytest
from pymongo import MongoClient

from local.services import embedded
from steps.common.dataset import materialise
from steps.common.settings import StoreSettings, TrackingSettings
from steps.common.store import open_store
from steps.common.tracking import REGISTERED_MODEL, connect
from steps.scoring import golden
from steps.scoring.model import Model
from tests.support.golden_vectors import disagreements
from tests.support.replay import REPOSITORIES, FirstRun, output

LAST = 1_000


@pytest.mark.parametrize("repository", REPOSITORIES)
def test_the_service_scores_real_pull_requests_as_training_did(
    first: FirstRun, tmp_path: Path, repository: str
) -> None:
    """The last thousand of each repository, to 1e-6, by the model that the registry has."""
    places = embedded.find_locations(first.state)
    store = open_store(StoreSettings(store_url=places["STORE_URL"]))
    dataset = materialise(store, output(first.record, "preprocess", "dataset_uri"), tmp_path)
    with connect(TrackingSettings(mlflow_uri=places["MLFLOW_URI"])):
        model = Model.load(Path(mlflow.artifacts.download_artifacts(f"models:/{REGISTERED_MODEL}@champion")))
    golden.check(model)
    with embedded.mongo(first.state) as uri, MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        database = client[places["MONGO_DB"]]
        documents = list(database.pull_requests.find({"base.repo.full_name": repository}))
        history = database.history.find_one({"_id": repository})
    assert history is not None
    found = disagreements(model, dataset, documents, history["state"], LAST)
    assert found["compared"] == LAST
    assert max(found["features"], found["scores"]) <= 1e-6
