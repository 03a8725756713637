"""monitor on a champion, its dataset and MongoDB: what it compares, what it decides, and what it leaves behind."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from mlflow import MlflowClient
from pymongo.database import Database

from steps.common import dataset as datasets
from steps.common.dataset import OVERALL, RepositorySummary
from steps.common.registry import CHAMPION, IMAGE_DIGEST, PRODUCTION, Registry
from steps.common.settings import TrackingSettings
from steps.common.step_frame import run_step
from steps.common.store import FolderStore
from steps.common.tracking import REGISTERED_MODEL, connect
from steps.monitor import run
from steps.monitor.run import monitor_drift
from steps.packaging import archive
from steps.scoring import artefact as artefacts
from steps.scoring.artefact import GOLDEN_REPOSITORY
from steps.scoring.features import NAMES
from steps.scoring.model import Model
from tests.support import builders
from tests.support.builders import REPOSITORY, artefact
from tests.support.lineage_sink import find_datasets, get_tags, receiving_own

START = datetime(2024, 3, 4, 12, tzinfo=UTC)
LAST = START + timedelta(days=25)
NEWER = LAST + timedelta(days=1)
Documents = Database[dict[str, Any]]


class Trainings:
    """A pipeline that remembers what it was asked to start."""

    instead = ""

    def __init__(self, running: Sequence[str] = ()) -> None:
        self.running = list(running)
        self.started: list[str] = []

    def list_running(self) -> Sequence[str]:
        """Return those that run."""
        return self.running

    def start(self, name: str, reason: str) -> None:
        """Remember it."""
        self.started.append(name)


class Champion(NamedTuple):
    """A store, a registry, and the dataset and the model of the champion in them."""

    store: FolderStore
    tracking: str
    dataset_uri: str
    model: Model


class Place(NamedTuple):
    """A store, its champion, and the pipeline."""

    store: FolderStore
    model: Model
    trainings: Trainings


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Champion:
    """A champion in a registry of its own, whose dataset ends at LAST."""
    folder = tmp_path_factory.mktemp("champion")
    store, uri = FolderStore(folder / "store"), dataset(folder / "store", "a", LAST)
    model = artefact(folder / "bento" / "src" / "model", NAMES[:1], names=NAMES)
    archive.pack(folder / "bento", folder / "packed")
    key = archive.build_key(1, folder / "packed")
    store.upload(key, folder / "packed")
    tracking = f"sqlite:///{folder}/mlflow.db"
    with connect(TrackingSettings(mlflow_uri=tracking)) as client:
        register(client, folder, {archive.KEY_TAG: key, "dataset_uri": uri, IMAGE_DIGEST: "sha256:0"})
    return Champion(store, tracking, uri, model)


@pytest.fixture
def place(champion: Champion, database: Documents, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The champion, without a comparison before."""
    monkeypatch.setenv("MLFLOW_URI", champion.tracking)
    monkeypatch.setenv("STORE_URL", champion.store.url)
    publish_histories(database, champion.dataset_uri)
    trainings = Trainings()
    monkeypatch.setattr(run, "find_pipeline", lambda: trainings)
    yield Place(champion.store, champion.model, trainings)
    champion.store.delete("drift")


def register(client: MlflowClient, folder: Path, tags: dict[str, str]) -> None:
    """Make a version with these tags champion."""
    client.create_registered_model(REGISTERED_MODEL)
    version = client.create_model_version(REGISTERED_MODEL, folder.as_uri(), tags=tags, await_creation_for=0)
    client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version.version)
    assert Registry(client).get_champion()


def dataset(folder: Path, seed: str, last: datetime, *, newer: int = 0, shift: float = 0.0) -> str:
    """Publish a dataset; `newer` rows were opened after LAST, and differ by `shift` in every feature."""
    parts = {split: table(split, 600, START) for split in ("train", "validation", "test")}
    if newer:
        parts["test"] = pa.concat_tables([parts["test"], table(seed, newer, NEWER, first=10_000, shift=shift)])
    share = RepositorySummary(rows=1_800 + newer, first=START, last=last, watermark=None)
    return builders.publish(folder, parts, NAMES, {REPOSITORY: share})


def table(seed: str, rows: int, start: datetime, first: int = 1, shift: float = 0.0) -> pa.Table:
    """Rows with normal features, an hour apart."""
    features = np.random.default_rng(list(seed.encode())).normal(size=(rows, len(NAMES))) + shift
    return pa.table(
        {
            "repository": [REPOSITORY] * rows,
            "number": pa.array(range(first, first + rows), pa.int32()),
            "created_at": pa.array([start + timedelta(hours=n) for n in range(rows)], pa.timestamp("us", "UTC")),
            **{name: pa.array(features[:, place], pa.float32()) for place, name in enumerate(NAMES)},
        }
    )


def publish_histories(database: Documents, uri: str) -> None:
    """Name the dataset whose histories are in MongoDB."""
    new = {"dataset": uri.rpartition("/")[2]}
    database.history.update_one({"_id": OVERALL}, {"$set": new}, upsert=True)


def predict(database: Documents, champion: Model, rows: int, *, shift: float = 0.0, **changes: Any) -> None:
    """Write predictions as the service does."""
    features = np.random.default_rng(9).normal(size=(rows, len(NAMES))) + shift
    scores = champion.score(features, [REPOSITORY] * rows).scores.tolist()
    database.predictions.insert_many(
        {
            "repository": REPOSITORY,
            "number": 20_000 + place,
            "scored_at": NEWER + timedelta(days=30, hours=place),
            "score": scores[place],
            "unusual": False,
            "history": "repository",
            "features": one.tolist(),
            "model": {"digest": champion.digest},
            "route": "/webhook",
            **changes,
        }
        for place, one in enumerate(features)
    )


def test_without_anything_new_nothing_is_known(place: Place) -> None:
    """Right after a training, which is not proof that nothing has drifted."""
    found = monitor_drift(168)
    assert (found["verdict"], found["retrain"], found["compared"]) == ("unknown", False, 0)
    assert "no pull request has been opened since" in found["reason"]


@pytest.mark.parametrize("module", [datasets, artefacts])
def test_a_champion_of_an_older_version_is_not_compared(
    module: ModuleType, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an update of the code, until the next training: that is named, and fails no run."""
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)
    found = monitor_drift(168)
    assert (found["version"], found["verdict"], found["retrain"]) == ("1", "unknown", False)
    assert "of another version of this code" in found["reason"]
    assert f"this code reads version {module.VERSION}" in found["reason"]


def test_predictions_that_are_as_before_are_stable(place: Place, database: Documents) -> None:
    """Compared with the champion's validation and test splits."""
    predict(database, place.model, 150)
    found = monitor_drift(168)
    assert (found["verdict"], found["compared"], found["drifted"]) == ("stable", 1, 0), found["reason"]
    assert place.trainings.started == []


def test_its_lineage_names_what_was_compared(place: Place, champion: Champion, database: Documents) -> None:
    """The champion, its dataset, the newest one, predictions, and the report; the verdict is a tag."""
    predict(database, place.model, 150)
    newest = dataset(Path(place.store.url.removeprefix("file://")), "b", NEWER, newer=150)
    publish_histories(database, newest)
    with receiving_own() as sink, run_step("monitor"):
        found = monitor_drift(168)
    end = sink.events[-1]
    read = {(name.rpartition("/")[2], version) for _, name, version in find_datasets(end, "inputs")}
    compared = {("datasets", uri.rpartition("/")[2]) for uri in (champion.dataset_uri, newest)}
    assert read == {("pr-sentinel", "1"), (f"{database.name}.predictions", "")} | compared
    assert [one["facets"]["dataSource"]["uri"] for one in end["outputs"]] == [found["report"]]
    told = {"verdict": found["verdict"], "decision": found["decision"], IMAGE_DIGEST: "sha256:0"}
    assert get_tags(end).items() >= told.items()


def test_production_is_compared_with_what_its_users_get(
    place: Place, champion: Champion, database: Documents, tmp_path: Path
) -> None:
    """Not with a champion that only staging serves, which has scored nothing here."""
    predict(database, place.model, 150)
    assert monitor_drift(168, PRODUCTION)["reason"] == "no version has the alias production yet"
    with connect(TrackingSettings(mlflow_uri=champion.tracking)) as client:
        later = client.create_model_version(REGISTERED_MODEL, tmp_path.as_uri(), await_creation_for=0)
        for alias, version in ((PRODUCTION, "1"), (CHAMPION, later.version)):
            client.set_registered_model_alias(REGISTERED_MODEL, alias, version)
        try:
            found = monitor_drift(168, PRODUCTION)
        finally:
            client.delete_registered_model_alias(REGISTERED_MODEL, PRODUCTION)
            client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, "1")
    assert (found["version"], found["verdict"], found["compared"]) == ("1", "stable", 1), found["reason"]


def test_predictions_that_have_drifted_start_one_training(place: Place, database: Documents) -> None:
    """Once, with a record in the store and a report; the next check within the cool-down starts none."""
    predict(database, place.model, 150, shift=2.0)
    first, second = monitor_drift(168), monitor_drift(168)
    assert (first["verdict"], first["retrain"], first["drifted"]) == ("drift", True, 1)
    assert (second["verdict"], second["retrain"]) == ("drift", False)
    assert "within the cool-down" in second["decision"]
    (name,) = place.trainings.started
    assert name.startswith("pr-sentinel-drift-1-")
    assert json.loads(place.store.read("drift/request.json"))["workflow"] == name
    key = first["report"].removeprefix(f"{place.store.url}/")
    page = place.store.read(key).decode()
    assert "<h1>Drift: drift</h1>" in page
    assert name in page
    written = json.loads(place.store.read(key.replace(".html", ".json")))
    assert written["comparisons"][0]["movements"][0]["distance"] > 0.25


def test_on_one_machine_a_person_starts_the_training(place: Place, database: Documents) -> None:
    """Nothing is recorded as started."""
    place.trainings.instead = "`make run` trains on them"
    predict(database, place.model, 150, shift=2.0)
    found = monitor_drift(168)
    assert (found["verdict"], found["retrain"], found["decision"]) == ("drift", False, "`make run` trains on them")
    assert not place.store.exists("drift/request.json")
    assert place.trainings.started == []


def test_while_one_runs_none_is_started(place: Place, database: Documents) -> None:
    """Whoever started it."""
    place.trainings.running = ["pr-sentinel-1772332200"]
    predict(database, place.model, 150, shift=2.0)
    found = monitor_drift(168)
    assert (found["verdict"], found["retrain"]) == ("drift", False)
    assert "pr-sentinel-1772332200 is running" in found["decision"]


def test_a_drift_that_the_latest_training_has_seen_starts_none(place: Place, database: Documents) -> None:
    """Its model was refused, and another training on the same pull requests would be too."""
    newer = dataset(Path(place.store.url.removeprefix("file://")), "n", NEWER + timedelta(days=7), newer=150, shift=2.0)
    publish_histories(database, newer)
    found = monitor_drift(168)
    assert (found["verdict"], found["retrain"]) == ("drift", False)
    assert "has seen these pull requests already" in found["decision"]


@pytest.mark.parametrize(
    "changes", [{"route": "/score"}, {"model": {"digest": "0" * 64}}, {"repository": GOLDEN_REPOSITORY}]
)
def test_what_is_no_delivery_to_the_champion_is_not_compared(
    changes: dict[str, Any], place: Place, database: Documents
) -> None:
    """Requests that anybody may send, another model's scores, and the golden pull requests of a release's checks."""
    predict(database, place.model, 150, shift=2.0, **changes)
    assert monitor_drift(168)["verdict"] == "unknown"


def test_an_update_counts_once(place: Place, database: Documents) -> None:
    """Ninety pull requests scored twice are ninety."""
    predict(database, place.model, 90, shift=2.0)
    predict(database, place.model, 90, shift=2.0)
    found = monitor_drift(168)
    assert found["verdict"] == "unknown"
    assert "90 recent pull requests" in found["reason"]


def test_features_that_are_no_numbers_are_named(place: Place, database: Documents) -> None:
    """And are never called stable."""
    predict(database, place.model, 150, score=float("nan"))
    found = monitor_drift(168)
    assert (found["verdict"], found["retrain"]) == ("unknown", False)
    assert "no usable values of score" in found["reason"]


def test_scores_by_the_history_of_all_are_drift(place: Place, database: Documents) -> None:
    """The service no longer finds the repository's own history."""
    predict(database, place.model, 150, history="all")
    found = monitor_drift(168)
    assert found["verdict"] == "drift"
    assert "own_history (1.00" in found["reason"]
