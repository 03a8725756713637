"""From documents in MongoDB to a dataset, on a real Spark, a real MongoDB protocol and a real S3 one."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import bson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from steps.common import mongo
from steps.common.dataset import OVERALL, SPLITS, Manifest, load_manifest, materialise
from steps.common.errors import ConfigurationError, StorageFull, TooManyRejected, Unavailable
from steps.common.settings import MongoSettings, StoreSettings, load
from steps.common.store import open_store
from steps.preprocess import pipeline, source, spark
from steps.preprocess.rows import ROW_SCHEMA
from steps.scoring.features import FEATURES, NAMES
from steps.scoring.history import History
from steps.scoring.scaling import Scales
from steps.train.data import sample
from steps.train.run import fit
from tests.support import builders
from tests.support.documents import BUSY, FETCHED, OPENED, QUIET, REPOSITORIES, document, documents
from tests.support.golden_vectors import disagreements

Documents = Database[dict[str, Any]]


@pytest.fixture
def store_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty folder, which the steps' settings name as the store."""
    url = f"file://{tmp_path}/store"
    monkeypatch.setenv("STORE_URL", url)
    return url


@pytest.fixture(scope="module")
def made(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The outcome of one run over all documents, with the database and the store that it used."""
    url = f"file://{tmp_path_factory.mktemp('made')}/store"
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONGO_URI", mongo_uri)
        patch.setenv("MONGO_DB", "made")
        patch.setenv("STORE_URL", url)
        client["made"].pull_requests.insert_many(documents())
        client["made"].sync.insert_one({"_id": BUSY, "cursor": "c", "watermark": FETCHED})
        yield build() | {"database": client["made"], "store": open_store(load(StoreSettings))}
        client.drop_database("made")


def build(most_rejected: float = 0.05, master: str = "local[2]", names: Sequence[str] = REPOSITORIES) -> dict[str, Any]:
    return pipeline.build_dataset(names, master, most_rejected)


@pytest.fixture(scope="module")
def splits(made: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The rows of every split."""
    dataset = materialise(made["store"], made["dataset_uri"], tmp_path_factory.mktemp("splits"))
    tables = {split: pa.concat_tables(map(pq.read_table, dataset.files(split))) for split in SPLITS}
    assert all(table.schema.equals(ROW_SCHEMA) for table in tables.values())
    return {split: table.to_pylist() for split, table in tables.items()}


def test_every_pull_request_is_in_one_split(made: dict[str, Any], splits: dict[str, list[dict[str, Any]]]) -> None:
    """Train, validation and test hold each document once, in their shares, and the manifest counts them."""
    pulls = [row["id"] for split in ("train", "validation", "test") for row in splits[split]]
    assert sorted(pulls) == sorted(one["_id"] for one in documents())
    assert [len(splits[split]) for split in ("train", "validation", "test")] == [240, 60, 100]
    assert {split: len(rows) for split, rows in splits.items()} == manifest(made).splits
    assert (made["rows"], made["rejected_share"], made["trainable"]) == (400, 0.0, True)


def test_splits_follow_time(splits: dict[str, list[dict[str, Any]]]) -> None:
    """No pull request of a later split was opened before one of an earlier split."""
    for repository in REPOSITORIES:
        train, validation, test = (
            [row["created_at"] for row in splits[split] if row["repository"] == repository]
            for split in ("train", "validation", "test")
        )
        assert max(train) <= min(validation) <= max(validation) <= min(test)


def test_rows_look_shuffled(splits: dict[str, list[dict[str, Any]]]) -> None:
    """Who streams a split meets repositories and numbers mixed."""
    numbers = [row["number"] for row in splits["train"]]
    assert numbers != sorted(numbers)
    assert {row["repository"] for row in splits["train"][:40]} == set(REPOSITORIES)


def test_the_manifest_tells_where_it_comes_from(made: dict[str, Any]) -> None:
    """Each repository has its rows, first and last opening, and how far it was fetched where that is known."""
    busy, quiet = (manifest(made).repositories[name] for name in REPOSITORIES)
    assert (busy.rows, quiet.rows) == (320, 80)
    assert (busy.watermark, quiet.watermark) == (FETCHED, None)
    assert (quiet.first, quiet.last) == (OPENED, OPENED + timedelta(hours=200))
    assert made["dataset_uri"] == f"{made['store'].url}/datasets/{made['data_hash']}"


def test_histories_are_published(made: dict[str, Any], splits: dict[str, list[dict[str, Any]]]) -> None:
    """Each repository's state is in MongoDB as it is in the dataset, with the dataset's hash."""
    published = {one["_id"]: (bytes(one["state"]), one["dataset"]) for one in made["database"].history.find()}
    whole = published.pop(OVERALL)
    assert published == {row["repository"]: (row["state"], made["data_hash"]) for row in splits["history"]}
    assert whole[1] == made["data_hash"]
    everything = History.from_state(bson.decode(whole[0]))
    assert everything.seen == made["rows"]


def test_the_service_scores_what_training_scored(made: dict[str, Any], tmp_path: Path) -> None:
    """From the documents on its own way, it has the features that Spark made, and the model's scores of them."""
    dataset = materialise(made["store"], made["dataset_uri"], tmp_path)
    past, later = sample(dataset, "train", NAMES), sample(dataset, "validation", NAMES)
    network = builders.network(sum(bool(feature.group) for feature in FEATURES))
    model = fit(network, later, Scales.fit(past.features, past.repositories), 0.01)
    for name, count in ((BUSY, 320), (QUIET, 80)):
        given = made["database"].pull_requests.find({"base.repo.full_name": name})
        state = made["database"].history.find_one({"_id": name})["state"]
        found = disagreements(model, dataset, given, state, last=1_000)
        assert found["compared"] == count
        assert max(found["features"], found["scores"]) <= 1e-6


def test_a_second_run_finds_what_the_first_has_made(made: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a change Spark isn't started, the outcome is the same, and a lost history is published again."""
    monkeypatch.setattr(spark, "open_session", None)
    before = made["database"].history.find_one({"_id": OVERALL})
    made["database"].history.delete_many({"_id": {"$in": [BUSY, OVERALL]}})
    again = build(names=[QUIET, *REPOSITORIES])
    assert again == {name: made[name] for name in again}
    assert made["database"].history.count_documents({"dataset": made["data_hash"]}) == 3
    assert made["database"].history.find_one({"_id": OVERALL}) == before


@pytest.mark.slow
def test_order_cores_and_time_of_fetching_change_nothing(
    made: dict[str, Any], database: Documents, store_url: str
) -> None:
    """Documents that came in another order and at another time give the same bytes on one core as on two."""
    later = {"fetched_at": FETCHED + timedelta(days=1)}
    database.pull_requests.insert_many(one | later for one in reversed(documents()))
    assert build(master="local[1]")["data_hash"] == made["data_hash"]


def test_a_bucket_holds_the_same_dataset(
    made: dict[str, Any], database: Documents, bucket: str, tmp_path: Path
) -> None:
    """Written to S3 by the executors, the dataset has the same hash, reads back whole and leaves nothing in staging."""
    database.pull_requests.insert_many(documents())
    there = build()
    store = open_store(load(StoreSettings))
    assert there["data_hash"] == made["data_hash"]
    assert there["dataset_uri"].startswith(f"s3://{bucket}/some/prefix/datasets/")
    assert len(materialise(store, there["dataset_uri"], tmp_path).paths) == len(manifest(made).files)
    assert store.list_keys("staging") == []


@pytest.mark.slow
def test_a_changed_document_makes_another_dataset(made: dict[str, Any], database: Documents, store_url: str) -> None:
    """A change by hand, which no watermark knows of, is seen; undone, it gives the first hash again."""
    database.pull_requests.insert_many(documents())
    one = {"_id": f"{BUSY}#3"}
    database.pull_requests.update_one(one, {"$set": {"title": "Something else altogether"}})
    assert build()["data_hash"] != made["data_hash"]
    database.pull_requests.replace_one(one, document(BUSY, 3))
    assert build()["data_hash"] == made["data_hash"]


def test_unusable_documents_are_put_aside(database: Documents, store_url: str) -> None:
    """They go to quarantine with their reasons and are counted; too many stop the run; mended ones come back."""
    good, bad = documents(busy=40, quiet=10), [document(BUSY, 41, additions=-1), document(BUSY, 42, title=None)]
    broken = {"_id": f"{QUIET}#11"}
    elsewhere = [document("example/busy-2", 1, title=None), {"_id": 7}]
    database.pull_requests.insert_many([*good, *bad, broken, *elsewhere])
    with pytest.raises(
        TooManyRejected, match=r"3 documents \(5\.7%\).*the maximum is 5\.0%.*additions: Input should be"
    ):
        build(0.05)
    aside = {one["source_id"]: one["reasons"] for one in database.quarantine.find({"step": "preprocess"})}
    assert sorted(aside) == [f"{BUSY}#41", f"{BUSY}#42", f"{QUIET}#11"]
    assert aside[f"{BUSY}#41"] == ["additions: Input should be greater than or equal to 0"]
    made = build(0.1)
    assert (made["rows"], round(made["rejected_share"], 3), made["trainable"]) == (50, 0.057, False)
    database.pull_requests.replace_one(
        {"_id": f"{BUSY}#41"}, document(BUSY, 41, fetched_at=FETCHED + timedelta(days=1))
    )
    assert build(0.1)["rows"] == 51
    assert database.quarantine.distinct("source_id") == [f"{BUSY}#42", f"{QUIET}#11"]


def put_aside(database: Documents, *numbers: int, repository: str = BUSY) -> None:
    """Quarantine pull requests as fetch does, which keeps what it stored of them before."""
    entries = [
        {"_id": f"fetch:{repository}#{number}", "reasons": ["title: Input should be text"]} for number in numbers
    ]
    database.quarantine.insert_many([entry | {"step": "fetch"} for entry in entries])


def test_what_fetch_put_aside_counts(database: Documents, store_url: str) -> None:
    """With what is found here, and in a dataset that was built before; that of other repositories doesn't."""
    database.pull_requests.insert_many([*documents(busy=40, quiet=10), document(BUSY, 41, additions=-1)])
    put_aside(database, *range(1, 9), repository="example/busy-2")
    assert build()["rejected_share"] == pytest.approx(1 / 51)
    put_aside(database, 42)
    assert build()["rejected_share"] == pytest.approx(2 / 52)
    put_aside(database, 43)
    with pytest.raises(
        TooManyRejected, match=r"3 documents \(5\.7%\).*title: Input should be text \(2\); additions: Input should be"
    ):
        build()
    database.history.delete_many({})
    with pytest.raises(TooManyRejected, match=r"3 documents \(5\.7%\)"):
        build(0.051)
    assert not list(database.history.find())


@pytest.mark.parametrize("count", [0, 10])
def test_too_few_are_told_and_not_trained_on(
    database: Documents, store_url: str, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    """Ten pull requests, or none, are a dataset all the same, and the log says how many are needed."""
    database.pull_requests.insert_many([document(QUIET, number) for number in range(1, count + 1)] or [{"_id": "x"}])
    made = build(names=[QUIET])
    assert (made["rows"], made["rejected_share"], made["trainable"]) == (count, 0.0, False)
    assert f"{count} pull requests in" in caplog.text
    assert "at least 300 are needed" in caplog.text


def test_no_repositories_are_refused() -> None:
    """A run over nothing is a mistake in what it was given."""
    with pytest.raises(ConfigurationError, match="No repositories"):
        build(names=[])


def test_a_mongo_that_is_away_is_named_without_its_password(
    store_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """From the driver as from an executor it is Unavailable, with its address and nothing secret."""
    monkeypatch.setattr(mongo, "SELECTION_TIMEOUT_MS", 500)
    monkeypatch.setenv("MONGO_URI", "mongodb://somebody:hunter2@127.0.0.1:9/?serverSelectionTimeoutMS=500")
    with pytest.raises(Unavailable, match=r"MongoDB at 127\.0\.0\.1:9") as from_driver:
        build()
    with pytest.raises(Unavailable, match=r"MongoDB at 127\.0\.0\.1:9") as from_executor:
        _read_on_executors()
    assert "hunter2" not in f"{from_driver.value} {from_executor.value} {capfd.readouterr()}"


def test_a_store_that_is_full_is_named(database: Documents, megabyte: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An executor that finds no space says where, and the run takes along what it had staged."""
    database.pull_requests.insert_many(documents())
    (megabyte / "filler").write_bytes(bytes(1_000 << 10))
    monkeypatch.setenv("STORE_URL", f"file://{megabyte}")
    with pytest.raises(StorageFull, match=f"store file://{megabyte} is full"):
        build()
    assert open_store(load(StoreSettings)).list_keys("") == ["filler"]


def _read_on_executors() -> None:
    with spark.open_session("local[1]") as session:
        source.read_documents(session, load(MongoSettings), [{}]).count()


def manifest(made: dict[str, Any]) -> Manifest:
    return load_manifest(made["store"], made["dataset_uri"])
