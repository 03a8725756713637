"""Predictions written to MongoDB and histories read from it; the service also works without it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from pymongo.database import Database
from pymongo.errors import PyMongoError
from starlette.testclient import TestClient

from steps.common.dataset import OVERALL
from steps.scoring.features import NAMES
from steps.scoring.history import VERSION
from steps.serve import absence, histories, metrics, predictions
from steps.serve.app import create_app
from tests.support import pulls
from tests.support.cable import Cable
from tests.support.scoring import KNOWN, UNKNOWN, score
from tests.support.waiting import wait_until

Mongo = Database[dict[str, Any]]
Pull = dict[str, Any]


def _read_features(database: Mongo) -> set[tuple[float, ...]]:
    """Return the distinct features of scored pull requests."""
    return {tuple(one["features"]) for one in database.predictions.find()}


def test_every_scored_pull_request_is_stored_without_its_texts(cable: Cable, database: Mongo, pull: Pull) -> None:
    """With the fields that drift checks and comparisons need."""
    before = datetime.now(UTC)
    with TestClient(create_app()) as client:
        (result,) = score(client, pull | {"title": "Zanzibarquux", "user": {"login": "Zanzibarquux"}}, KNOWN)
        model = client.get("/model").json()
        kept = wait_until(database.predictions.find_one)
    assert timedelta(seconds=-1) < kept.pop("scored_at") - before < timedelta(minutes=1)
    assert len(kept.pop("features")) == len(NAMES)
    assert isinstance(kept.pop("_id"), bson.ObjectId)
    assert kept == {
        name: result[name]
        for name in ("id", "repository", "number", "score", "threshold", "level", "unusual", "history")
    } | {
        "model": {"version": model["version"], "digest": model["digest"]},
        "route": "/score",
    }


def test_predictions_expire_after_ninety_days(cable: Cable, database: Mongo, pull: Pull) -> None:
    with TestClient(create_app()) as client:
        score(client, pull, KNOWN)
    (index,) = (one for one in database.predictions.index_information().values() if "expireAfterSeconds" in one)
    assert (index["key"], index["expireAfterSeconds"]) == ([("scored_at", 1)], 90 * 24 * 3600)


def test_scores_from_just_before_the_shutdown_are_stored(cable: Cable, database: Mongo, pull: Pull) -> None:
    with TestClient(create_app()) as client:
        score(client, pull, KNOWN, count=1_200)
    assert database.predictions.count_documents({}) == 1_200


def test_the_source_of_the_history_is_the_repository_all_or_none(
    cable: Cable, database: Mongo, kept_history: dict[str, Any], pull: Pull
) -> None:
    """The result names it."""
    with TestClient(create_app()) as client:
        assert score(client, pull, KNOWN)[0]["history"] == "repository"
        assert score(client, pull, UNKNOWN)[0]["history"] == "none"
        database.history.insert_one({"_id": OVERALL, **kept_history})
        wait_until(lambda: score(client, pull, UNKNOWN)[0]["history"] == "all")
        counted = client.get("/metrics").text
    for whose in ("repository", "none", "all"):
        assert f'pr_sentinel_scored_total{{history="{whose}"' in counted


def test_a_new_history_is_picked_up(cable: Cable, database: Mongo, kept_history: dict[str, Any], pull: Pull) -> None:
    with TestClient(create_app()) as client:
        score(client, pull, KNOWN)
        rows = [row for row in pulls.passed(pulls.pulls(600)) if row["split"] == "history"]
        newer = kept_history | {"state": bson.Binary(rows[0]["state"]), "dataset": "b"}
        database.history.replace_one({"_id": KNOWN}, newer)
        assert wait_until(lambda: score(client, pull, KNOWN) and len(_read_features(database)) == 2)


@pytest.mark.parametrize(
    "broken",
    [{"state": b"no BSON"}, {"state": bson.Binary(bson.encode({"version": 0}))}, {"state": 5}, {"dataset": None}, {}],
    ids=str,
)
def test_an_unreadable_history_is_treated_as_missing(
    cable: Cable, database: Mongo, pull: Pull, broken: dict[str, Any], kept_history: dict[str, Any]
) -> None:
    """And other repositories are not affected."""
    database.history.insert_one({"_id": UNKNOWN, "dataset": "a", "version": VERSION, **broken})
    with TestClient(create_app()) as client:
        assert score(client, pull, UNKNOWN)[0]["history"] == "none"
        assert score(client, pull, KNOWN)[0]["history"] == "repository"


def test_without_mongodb_scoring_goes_on_and_scores_are_queued(cable: Cable, database: Mongo, pull: Pull) -> None:
    """With the histories that are in memory."""
    with TestClient(create_app()) as client:
        first = score(client, pull, KNOWN)[0]
        wait_until(lambda: database.predictions.count_documents({}) == 1)
        # The service too has to have heard that it is written, or it would keep it to be written again.
        wait_until(lambda: "pr_sentinel_predictions_waiting 0.0" in client.get("/metrics").text)
        cable.pull()
        time.sleep(0.3)
        began = time.monotonic()
        assert score(client, pull, KNOWN)[0] == first
        assert score(client, pull, UNKNOWN)[0]["history"] == "none"
        assert time.monotonic() - began < 3
        assert client.get("/readyz").status_code == 200
        wait_until(lambda: "pr_sentinel_predictions_waiting 2.0" in client.get("/metrics").text)
        assert database.predictions.count_documents({}) == 1
        cable.plug()
        wait_until(lambda: database.predictions.count_documents({}) == 3)


def test_a_mongodb_that_starts_later_is_found(cable: Cable, database: Mongo, pull: Pull) -> None:
    cable.pull()
    with TestClient(create_app()) as client:
        assert score(client, pull, KNOWN)[0]["history"] == "none"
        cable.plug()
        wait_until(lambda: score(client, pull, KNOWN)[0]["history"] == "repository")


def test_a_hundred_new_repositories_wait_for_an_absent_mongodb_no_longer_than_one(
    cable: Cable, pull: Pull, settings: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first queries find that it is absent; the others are skipped."""
    settings.setattr(absence, "AWAY_SECONDS", 60)
    cable.pull()
    bases = [{"ref": "main", "repo": {"full_name": f"owner/name-{number}"}} for number in range(100)]
    with TestClient(create_app()) as client:
        began = time.monotonic()
        answer = client.post("/score", json={"pull_requests": [pull | {"base": base} for base in bases]})
        assert answer.status_code == 200
        assert time.monotonic() - began < 3
    asked = [record for record in caplog.records if record.message == "could not read a history"]
    assert 0 < len(asked) <= histories.MAX_CONCURRENT_QUERIES


def test_the_oldest_queued_scores_are_dropped_and_counted(
    cable: Cable, database: Mongo, pull: Pull, settings: pytest.MonkeyPatch
) -> None:
    """The oldest go first."""
    settings.setattr(predictions, "MAX_WAITING", 10)
    cable.pull()
    dropped = metrics.PREDICTIONS.labels("dropped")
    before = dropped._value.get()
    with TestClient(create_app()) as client:
        for number in range(1, 16):
            score(client, pull | {"number": number}, UNKNOWN)
        wait_until(lambda: dropped._value.get() - before == 5)
        cable.plug()
        wait_until(lambda: database.predictions.count_documents({}) == 10)
    assert sorted(one["number"] for one in database.predictions.find()) == list(range(6, 16))


@pytest.mark.parametrize("frozen", [False, True])
def test_an_absent_mongodb_does_not_delay_the_shutdown(
    cable: Cable,
    pull: Pull,
    frozen: bool,
    settings: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nor does one that stands still while it is written to; lost scores are logged."""
    settings.setattr(predictions, "STOP_SECONDS", 0.5)
    cable.pull()
    written = metrics.PREDICTIONS.labels("written")
    before = written._value.get()
    with TestClient(create_app()) as client:
        if frozen:
            cable.plug()
            score(client, pull, KNOWN)
            # Only once it was acknowledged: one that was not counts as lost, too.
            wait_until(lambda: written._value.get() - before == 1)
            cable.freeze()
        score(client, pull, KNOWN, count=3)
        began = time.monotonic()
    assert time.monotonic() - began < predictions.STOP_SECONDS + 3
    (lost,) = (record for record in caplog.records if record.message == "predictions lost")
    assert lost.count == 3  # type: ignore[attr-defined]


def test_scores_whose_acknowledgement_was_lost_are_not_written_twice(
    cable: Cable, database: Mongo, pull: Pull, settings: pytest.MonkeyPatch
) -> None:
    """By their ids."""
    written = predictions.Predictions._write
    lost: list[bool] = []

    def write(self: predictions.Predictions, batch: list[dict[str, Any]]) -> None:
        written(self, batch)
        if not lost:
            lost.append(True)
            raise PyMongoError("the answer was lost")

    settings.setattr(predictions.Predictions, "_write", write)
    with TestClient(create_app()) as client:
        score(client, pull, KNOWN, count=3)
        wait_until(lambda: lost)
        score(client, pull, KNOWN, count=2)
    assert database.predictions.count_documents({}) == 5


@pytest.mark.parametrize("uri", ["nonsense", "mongodb://user:secret@:::", "mongodb://127.0.0.1:1"])
def test_an_invalid_mongo_uri_costs_histories_and_nothing_else(
    settings: pytest.MonkeyPatch, uri: str, pull: Pull, caplog: pytest.LogCaptureFixture
) -> None:
    settings.setenv("MONGO_URI", uri)
    settings.setattr(absence, "TIMEOUT_MS", 200)
    with TestClient(create_app()) as client:
        assert score(client, pull, KNOWN)[0]["history"] == "none"
    assert "secret" not in caplog.text
