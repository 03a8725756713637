"""The line behind a result names every fact of every part: known, or missing with the reason."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import Run, RunData, RunInfo, RunTag
from pydantic import SecretStr

from local.trace import lineage, records
from local.trace.command import find_trace
from local.trace.line import build_part
from steps.common.errors import DataError, NotFound
from steps.common.mongo import open_database
from steps.common.settings import MongoSettings
from steps.common.store import FolderStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 12, 1, tzinfo=UTC)
PREDICTION_ID = ObjectId("6b085ff473692e311b89c16d")
RESULT = {"repository": "Owner/name", "number": 7, "score": 3.5, "model": "1", "reasons": ["adds 9 lines"]}
DELIVERY: dict[str, Any] = {
    "_id": "d-7",
    "repository": "owner/name",
    "number": 7,
    "state": "done",
    "received_at": NOON,
    "finished_at": LATER,
    "result": RESULT | {"head_sha": "c" * 40},
}
PREDICTION: dict[str, Any] = {
    "_id": PREDICTION_ID,
    "repository": "Owner/name",
    "number": 7,
    "scored_at": NOON,
    "score": 3.5,
    "features": [1.0, 2.0],
    "model": {"version": "1", "digest": "f" * 64},
}
WAITING: dict[str, Any] = {
    "_id": "d-8",
    "repository": "owner/name",
    "number": 8,
    "state": "waiting",
    "received_at": NOON,
    "problem": "GitHub does not answer",
}


@pytest.fixture(scope="module")
def settings(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where a service has recorded two deliveries and a prediction, and no model was ever registered."""
    folder = tmp_path_factory.mktemp("state")
    with open_database(MongoSettings(mongo_uri=SecretStr(mongo_uri), mongo_db="traced")) as database:
        database.deliveries.insert_many([DELIVERY, WAITING])
        database.predictions.insert_one(PREDICTION)
    return {
        "MONGO_URI": mongo_uri,
        "MONGO_DB": "traced",
        "MLFLOW_URI": f"sqlite:///{folder}/mlflow.db",
        "STORE_URL": f"file://{folder}/store",
    }


@pytest.mark.parametrize(
    "question",
    [
        "https://github.com/owner/name/pull/7",
        "https://github.com/OWNER/name/pull/7/files?w=1#discussion_r1",
        "https://github.com/owner/name/pull/7#issuecomment-12",
        "https://ghe.example/github/owner/name/pull/7",
        "owner/name#7",
        "d-7",
        str(PREDICTION_ID),
    ],
)
def test_a_result_is_found_by_whatever_names_it(settings: dict[str, str], tmp_path: Path, question: str) -> None:
    """The URL of the pull request or of its comment, the delivery, the prediction: the same line."""
    parts = {part.name: part for part in find_trace(question, settings, tmp_path).parts}
    assert parts["delivery"].facts["id"] == "d-7"
    assert parts["prediction"].facts["id"] == str(PREDICTION_ID)
    assert parts["reasons"].facts == {"reasons": ["adds 9 lines"]}


def test_what_is_missing_is_named_and_no_fact_is_skipped(settings: dict[str, str], tmp_path: Path) -> None:
    """Here of a model that no registry knows."""
    found = find_trace("owner/name#7", settings, tmp_path)
    names = [part.name for part in found.parts]
    assert names == [
        *("delivery", "alert", "prediction", "reasons"),
        *("model", "gate", "dataset", "run", "workflow", "code"),
    ]
    parts = {part.name: part for part in found.parts}
    for name, wanted in (("model", lineage.VERSION_FACTS), ("gate", lineage.GATE_FACTS), ("run", lineage.RUN_FACTS)):
        assert parts[name].facts == {}
        assert set(parts[name].missing) == set(wanted)
        assert all("There is no version 1" in why for why in parts[name].missing.values())
    assert set(parts["dataset"].missing) == set(lineage.DATASET_FACTS)
    assert json.loads(json.dumps(found.to_json(), default=str))["question"] == "owner/name#7"


def test_a_delivery_without_a_result_says_why(settings: dict[str, str], tmp_path: Path) -> None:
    """It waits, and nothing was predicted."""
    parts = {part.name: part for part in find_trace("owner/name#8", settings, tmp_path).parts}
    assert parts["delivery"].facts["state"] == "waiting"
    assert "GitHub does not answer" in parts["delivery"].missing["outcome"]
    assert set(parts["prediction"].missing) == set(records.PREDICTION_FACTS)
    assert parts["model"].missing["version"] == lineage.NO_VERSION


@pytest.mark.parametrize("question", ["owner/name#9", "https://github.com/owner/other/pull/7", "d-9", "6" * 24])
def test_what_nobody_has_recorded_is_not_found(settings: dict[str, str], tmp_path: Path, question: str) -> None:
    """With how long records are kept."""
    with pytest.raises(NotFound, match="Nothing is recorded"):
        find_trace(question, settings, tmp_path)


@pytest.mark.parametrize("question", ["", "owner/name", "https://github.com/owner/name/issues/7", "a b", "owner/..#7"])
def test_what_names_nothing_is_refused(settings: dict[str, str], tmp_path: Path, question: str) -> None:
    """With what may be given."""
    with pytest.raises(DataError, match="neither a pull request nor an id"):
        find_trace(question, settings, tmp_path)


def test_the_workflow_of_a_cluster_is_the_one_that_the_run_names(tmp_path: Path) -> None:
    """With the record of how it ended and of its steps' images, if the store has it."""
    info = RunInfo("r-1", "1", "user", "FINISHED", 0, 1, "active")
    run = Run(info, RunData(tags=[RunTag("workflow", "pr-sentinel-n7mpx")]))
    store = FolderStore(tmp_path / "store")
    part = lineage.describe_workflow(run, tmp_path, store)
    assert part.facts == {"name": "pr-sentinel-n7mpx"}
    assert set(part.missing) == {"began", "record", "images"}
    images = {"fetch": "registry.example/fetch@sha256:00"}
    store.write("runs/pr-sentinel-n7mpx.json", json.dumps({"images": images}).encode())
    part = lineage.describe_workflow(run, tmp_path, store)
    assert part.facts["record"] == f"{store.url}/runs/pr-sentinel-n7mpx.json"
    assert part.facts["images"] == images


def test_a_record_without_images_says_so(tmp_path: Path) -> None:
    """As that of an earlier release."""
    run = Run(RunInfo("r-1", "1", "user", "FINISHED", 0, 1, "active"), RunData(tags=[RunTag("workflow", "w")]))
    store = FolderStore(tmp_path / "store")
    store.write("runs/w.json", b"{}")
    assert set(lineage.describe_workflow(run, tmp_path, store).missing) == {"began", "images"}


def test_a_run_without_a_workflow_says_so(tmp_path: Path) -> None:
    """As from before it was recorded."""
    part = lineage.describe_workflow(None, tmp_path, FolderStore(tmp_path))
    assert (part.facts, set(part.missing)) == ({}, {"name", "began", "record", "images"})


FACTS = st.dictionaries(st.text(max_size=3), st.none() | st.just("") | st.integers() | st.booleans())


@given(st.dictionaries(st.text(max_size=3), st.text(min_size=1)), st.none() | FACTS)
def test_each_fact_is_known_or_missing(wanted: dict[str, str], known: dict[str, Any] | None) -> None:
    """Never both, never neither; False and 0 are known."""
    part = build_part("part", wanted, known)
    assert part.facts.keys() | part.missing.keys() == wanted.keys()
    assert not part.facts.keys() & part.missing.keys()
    assert all(part.missing.values())
    assert {name for name, value in (known or {}).items() if value in (0, False)} & wanted.keys() <= part.facts.keys()
