"""Failures in the worker are retried, and still lead to one notification."""

import asyncio
import signal
import threading
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samples.server import LATEST
from steps.serve import metrics
from steps.serve.webhooks import consistency, deliveries, sweep
from steps.serve.webhooks.backlog import Backlog
from steps.serve.webhooks.deliveries import DeliveryQueue
from steps.serve.webhooks.repositories import WebhookRepositories
from tests.support.cable import Cable
from tests.support.github import StandIn
from tests.support.waiting import wait_until
from tests.support.webhook import app
from tests.support.webhook.hook import ALL, SECRET, SHOP, Hook, Mongo, process, serving, shorten_waits


@pytest.mark.parametrize(
    "fault", ["500", "502", "503", "504", "drop", "truncate", "garbage", "html", "null", "timeout"]
)
@pytest.mark.parametrize("before", [0, 1, 2, 3, 4, 5])
def test_faults_of_github_lead_to_one_notification(hook: Hook, github: StandIn, fault: str, before: int) -> None:
    """Be it at reading the rules, the pull request or its files, at looking for an own comment, or at writing it."""
    hook.push(additions=5_000)
    github.control(next=["pass"] * before + [fault, fault])
    done = hook.deliver()
    assert (done["outcome"], done["attempts"] > 1, "problem" in done) == ("announced", True, False)
    assert len(hook.comments()) == 1


@pytest.mark.parametrize("before", [0, 1, 2, 3, 4, 5])
def test_a_comment_whose_response_was_lost_is_found_and_not_posted_twice(
    hook: Hook, github: StandIn, before: int
) -> None:
    """GitHub created it, but the response was lost."""
    hook.push(additions=5_000)
    github.control(next=["pass"] * before + ["lost"])
    assert hook.deliver()["outcome"] == "announced"
    [comment] = hook.comments()
    assert comment["edits"] == (1 if before == 5 else 0)


def test_files_that_can_not_be_listed_hold_up_nothing(
    hook: Hook, github: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """The pull request is scored without them, at the first attempt, and the log says so."""
    hook.push(additions=5_000)
    github.control(next=["pass", "pass", "500"])
    done = hook.deliver()
    assert (done["outcome"], done["attempts"]) == ("announced", 1)
    assert any(record.getMessage().startswith("could not list the changed files") for record in caplog.records)


@pytest.mark.parametrize("limit", ["secondary", "secondary-429", "primary", "primary-403"])
def test_no_request_is_sent_while_a_limit_holds(hook: Hook, github: StandIn, limit: str) -> None:
    """For any delivery, since the limit is the token's."""
    hook.push(additions=5_000)
    github.control(next=[limit], retry_after=2)
    hook.send(delivery="one")
    hook.send(13, delivery="other")
    assert [hook.wait_for(name)["outcome"] for name in ("one", "other")] == ["announced", "standard"]
    assert "requests_during_retry_after" not in github.stats()


def test_a_pull_request_without_access_fails_with_the_reason(hook: Hook, github: StandIn) -> None:
    """It is looked for until GitHub had the time to catch up with its own delivery."""
    github.control(now="2000-01-01T00:00:00Z")
    failed = hook.deliver()
    assert (failed["state"], failed["attempts"] > 1) == ("failed", True)
    assert "pulls/12" in failed["problem"]


def test_a_pull_request_that_github_shows_late_is_scored(
    hook: Hook, github: StandIn, database: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delivery proves that it exists."""
    monkeypatch.setattr(consistency, "GRACE", timedelta(minutes=1))
    github.control(now="2000-01-01T00:00:00Z")
    hook.send(delivery="early")
    wait_until(lambda: database.deliveries.find_one({"_id": "early", "attempts": {"$gt": 1}}))
    github.control(now=LATEST)
    assert hook.wait_for("early")["outcome"] == "standard"


@pytest.mark.parametrize("change", [{"additions": 5_000}, {"additions": 12, "updated_at": "2026-12-31T00:00:00Z"}])
def test_a_pull_request_that_is_older_than_its_delivery_is_fetched_again(
    hook: Hook, github: StandIn, database: Mongo, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    """Right after a push the API may show the state before: another commit, or an earlier update."""
    monkeypatch.setattr(consistency, "GRACE", timedelta(minutes=1))
    ALL[SHOP].change(12, change)
    hook.send(action="synchronize", delivery="early")
    wait_until(lambda: database.deliveries.find_one({"_id": "early", "attempts": {"$gt": 1}}))
    assert hook.comments() == []
    github.control(change={f"{SHOP}#12": change})
    done = hook.wait_for("early")
    assert done["result"]["head_sha"] == done["head_sha"] == hook.sha()


@pytest.mark.parametrize("problem", ["issue is locked", "Repository was archived so is read-only."])
def test_an_alert_that_can_never_be_posted_leaves_its_place_to_others(
    hook: Hook, github: StandIn, database: Mongo, problem: str
) -> None:
    """GitHub's reason is kept with the delivery."""
    hook.push(additions=5_000)
    github.control(next=["pass"] * 5 + [f"403 {problem}"])
    failed = hook.deliver()
    assert (failed["state"], failed["attempts"], problem in failed["problem"]) == ("failed", 1, True)
    assert [week["alerts"] for week in database.alerts.find()] == [[]]


def test_an_invalid_pull_request_fails_with_the_field(hook: Hook) -> None:
    """GitHub's response lacks a required field."""
    hook.push(additions=None)  # type: ignore[arg-type]  # that is the point
    failed = hook.deliver()
    assert (failed["state"], "additions" in failed["problem"]) == ("failed", True)


def test_a_delivery_is_given_up_after_days_of_retries(
    hook: Hook, github: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and a redelivery starts over."""
    monkeypatch.setattr(deliveries, "MAX_AGE", timedelta(seconds=-1))
    github.control(next=["500"])
    assert hook.deliver()["state"] == "failed"
    assert any(record.getMessage() == "delivery failed" for record in caplog.records)


def test_an_unexpected_error_does_not_stop_other_deliveries(hook: Hook, github: StandIn, database: Mongo) -> None:
    """The delivery is postponed, and the next one is processed."""
    hook.push(12, additions=app.BROKEN)
    hook.send(12, delivery="unlucky")
    assert hook.deliver(13)["outcome"] == "standard"
    wait_until(lambda: database.deliveries.find_one({"_id": "unlucky", "problem": {"$regex": "ValueError"}}))
    hook.push(12, additions=5_000)
    assert hook.wait_for("unlucky")["outcome"] == "announced"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_service_that_stops_in_the_middle_loses_nothing(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, tmp_path: Path, number: signal.Signals
) -> None:
    """Killed, its lease expires; on SIGTERM, it finishes or returns the delivery. Another service notifies once."""
    github.control(latency_ms=400)
    names = [str(uuid.uuid4()) for _ in range(4)]
    for delay in (0.2, 0.7, 1.1, 1.6):
        with process(tmp_path, lease=2) as (running, address):
            hook = Hook(address, database, github)
            place = names.index(next(name for name in names if not database.deliveries.find_one({"_id": name})))
            hook.push(place + 1, additions=5_000)
            assert hook.send(place + 1, delivery=names[place]).status_code == 202
            time.sleep(delay)
            running.send_signal(number)
            assert running.wait(20) == -number
    github.control(latency_ms=0)
    with process(tmp_path, lease=2):
        assert {hook.wait_for(name)["state"] for name in names} == {"done"}
    issues = [comment["issue"] for comment in hook.comments()]
    assert len(issues) == len(set(issues)) == len(names)


def test_an_outage_of_mongodb_in_the_middle_of_a_delivery_is_survived(hook: Hook, database: Mongo) -> None:
    """A lease that was not returned expires."""
    hook.push(additions=5_000)
    now = datetime.now(UTC)
    stuck = {"repository": "example/webshop", "number": 12, "action": "opened", "head_sha": "0" * 40}
    held = {
        "installation": None,
        "received_at": now,
        "state": "waiting",
        "attempts": 1,
        "busy": "example/webshop#12",
        "model": "0" * 64,
    }
    hook.insert_delivery("stuck", **stuck, **held, next_attempt=now + timedelta(seconds=2))
    hook.send(action="edited", delivery="next")
    assert database.deliveries.find_one({"_id": "next"})["state"] == "waiting"  # type: ignore[index]
    assert {hook.wait_for(name)["outcome"] for name in ("stuck", "next")} == {"announced", "updated"}
    assert len(hook.comments()) == 1


def test_the_log_holds_no_secret(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, tmp_path: Path
) -> None:
    """Nor any text of a pull request, whatever happened."""
    configured.setenv("GITHUB_TOKEN", "ghp_hunter2")
    github.control(next=["500", "drop", "pass", "pass", "secondary"])
    with process(tmp_path) as (running, address):
        hook = Hook(address, database, github)
        hook.push(additions=5_000, title="hunter3", body="hunter4")
        hook.deliver()
        hook.push(13, additions=app.BROKEN, title="hunter3")
        hook.send(13, delivery="unlucky")
        wait_until(lambda: database.deliveries.find_one({"_id": "unlucky", "attempts": {"$gt": 1}}))
        hook.post(b"{}", {"Content-Type": "application/json"})
        running.terminate()
        running.wait()
    said = (tmp_path / "log").read_text()
    assert "delivery announced" in said
    assert not [secret for secret in (SECRET, "hunter2", "hunter3", "hunter4") if secret in said]


def count_work(status: str) -> float:
    """Return the deliveries that were processed with a status so far."""
    labels = {"route": "delivery", "status": status}
    return metrics.REGISTRY.get_sample_value("pr_sentinel_requests_total", labels) or 0.0


def test_work_for_deliveries_counts_as_errors_and_time_of_the_revision(hook: Hook, github: StandIn) -> None:
    """What fails unexpectedly is the revision's fault; what GitHub could not answer is not."""
    times = {"route": "delivery"}
    before = count_work("200"), count_work("500")
    scored = metrics.REGISTRY.get_sample_value("pr_sentinel_request_seconds_count", times) or 0.0
    github.control(next=["500", "500"])
    assert hook.deliver()["outcome"] == "standard"
    assert (count_work("200"), count_work("500")) == (before[0] + 1, before[1])
    hook.push(13, additions=app.BROKEN)
    hook.send(13)
    wait_until(lambda: count_work("500") > before[1] + 1)
    assert count_work("200") == before[0] + 1
    assert metrics.REGISTRY.get_sample_value("pr_sentinel_request_seconds_count", times) == scored + 1


def test_a_service_stops_though_mongodb_answers_nothing_any_more(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, mongo_uri: str
) -> None:
    """Else whoever deploys it has to kill it."""
    shorten_waits(configured)
    with Cable(mongo_uri) as cable:
        configured.setenv("MONGO_URI", cable.uri)
        with serving(app.create()) as address:
            Hook(address, database, github).deliver()
            cable.freeze()


@pytest.mark.parametrize(
    ("part", "waiting"), [(DeliveryQueue, "take"), (WebhookRepositories, "take"), (Backlog, "measure")]
)
def test_a_service_stops_though_a_cancellation_is_lost(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, part: type, waiting: str
) -> None:
    """As one is now and then in the driver, whose `asyncio.wait_for` forgets it in Python 3.11."""
    shorten_waits(configured)
    configured.setattr(sweep, "CHECK_SECONDS", 0.0)
    lost = threading.Event()

    async def lose_one(_: object) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3_600)
        lost.set()
        await asyncio.sleep(3_600)

    configured.setattr(part, waiting, lose_one)
    with serving(app.create()):
        pass
    assert lost.is_set()
