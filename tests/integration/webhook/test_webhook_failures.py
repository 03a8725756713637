"""What goes wrong behind the webhook is tried again, and leads to one announcement all the same."""

import signal
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steps.serve.webhooks import deliveries
from tests.integration.conftest import StandIn
from tests.integration.webhook import app
from tests.integration.webhook.hook import SECRET, Hook, Mongo, eventually, process


@pytest.mark.parametrize(
    "fault", ["500", "502", "503", "504", "drop", "truncate", "garbage", "html", "null", "timeout"]
)
@pytest.mark.parametrize("before", [0, 1, 2, 3, 4])
def test_whatever_github_answers_it_is_announced_once(hook: Hook, github: StandIn, fault: str, before: int) -> None:
    """Be it at reading the pull request or its files, at looking for an own comment, or at writing it."""
    hook.shape(additions=5_000)
    github.control(next=["pass"] * before + [fault, fault])
    done = hook.happens()
    assert (done["outcome"], done["attempts"] > 1, "problem" in done) == ("announced", True, False)
    assert len(hook.comments()) == 1


@pytest.mark.parametrize("before", [0, 1, 2, 3, 4])
def test_a_comment_whose_answer_was_lost_is_found_and_not_written_twice(
    hook: Hook, github: StandIn, before: int
) -> None:
    """GitHub did it, but nobody was told so."""
    hook.shape(additions=5_000)
    github.control(next=["pass"] * before + ["lost"])
    assert hook.happens()["outcome"] == "announced"
    [comment] = hook.comments()
    assert comment["edits"] == (1 if before == 4 else 0)


def test_files_that_can_not_be_listed_hold_up_nothing(
    hook: Hook, github: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """The pull request is scored without them, at the first attempt, and the log says so."""
    hook.shape(additions=5_000)
    github.control(next=["pass", "500"])
    done = hook.happens()
    assert (done["outcome"], done["attempts"]) == ("announced", 1)
    assert any(record.getMessage().startswith("the changed files can't be listed") for record in caplog.records)


@pytest.mark.parametrize("limit", ["secondary", "secondary-429", "primary", "primary-403"])
def test_no_request_is_sent_while_a_limit_holds(hook: Hook, github: StandIn, limit: str) -> None:
    """For no delivery, for the limit is the token's."""
    hook.shape(additions=5_000)
    github.control(next=[limit], retry_after=2)
    hook.send(delivery="one")
    hook.send(13, delivery="other")
    assert [hook.ended(name)["outcome"] for name in ("one", "other")] == ["announced", "standard"]
    assert "requests_during_retry_after" not in github.stats()


def test_a_pull_request_that_is_not_to_be_seen_is_given_up_with_the_reason(hook: Hook, github: StandIn) -> None:
    """No later try would find it."""
    github.control(now="2000-01-01T00:00:00Z")
    failed = hook.happens()
    assert (failed["state"], failed["attempts"]) == ("failed", 1)
    assert "pulls/12" in failed["problem"]


def test_one_that_can_not_be_read_is_given_up_with_the_field(hook: Hook) -> None:
    """GitHub's answer lacks what a pull request has."""
    hook.shape(additions=None)  # type: ignore[arg-type]  # that is the point
    failed = hook.happens()
    assert (failed["state"], "additions" in failed["problem"]) == ("failed", True)


def test_after_days_of_trying_it_is_given_up(
    hook: Hook, github: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so, and a redelivery begins anew."""
    monkeypatch.setattr(deliveries, "PATIENCE", timedelta(seconds=-1))
    github.control(next=["500"])
    assert hook.happens()["state"] == "failed"
    assert any(record.getMessage() == "delivery failed" for record in caplog.records)


def test_a_mistake_of_the_service_stops_nobody_else(hook: Hook, github: StandIn, database: Mongo) -> None:
    """The delivery is left for later, the next one is worked on."""
    hook.shape(12, additions=app.BROKEN)
    hook.send(12, delivery="unlucky")
    assert hook.happens(13)["outcome"] == "standard"
    eventually(lambda: database.deliveries.find_one({"_id": "unlucky", "problem": {"$regex": "ValueError"}}))
    hook.shape(12, additions=5_000)
    assert hook.ended("unlucky")["outcome"] == "announced"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_service_that_ends_in_the_middle_loses_nothing(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, tmp_path: Path, number: signal.Signals
) -> None:
    """Killed, its lease ends; told to end, it finishes or hands back. Another one goes on, and says it once."""
    github.control(latency_ms=400)
    names = [str(uuid.uuid4()) for _ in range(4)]
    for delay in (0.2, 0.7, 1.1, 1.6):
        with process(tmp_path, lease=2) as (running, address):
            hook = Hook(address, database, github)
            place = names.index(next(name for name in names if not database.deliveries.find_one({"_id": name})))
            hook.shape(place + 1, additions=5_000)
            assert hook.send(place + 1, delivery=names[place]).status_code == 202
            time.sleep(delay)
            running.send_signal(number)
            assert running.wait(20) == -number
    github.control(latency_ms=0)
    with process(tmp_path, lease=2):
        assert {hook.ended(name)["state"] for name in names} == {"done"}
    issues = [comment["issue"] for comment in hook.comments()]
    assert len(issues) == len(set(issues)) == len(names)


def test_mongodb_s_absence_in_the_middle_of_the_work_is_sat_out(hook: Hook, database: Mongo) -> None:
    """A lease that nobody gave back ends by itself."""
    hook.shape(additions=5_000)
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
    hook.left("stuck", **stuck, **held, next_attempt=now + timedelta(seconds=2))
    hook.send(action="edited", delivery="next")
    assert database.deliveries.find_one({"_id": "next"})["state"] == "waiting"  # type: ignore[index]
    assert {hook.ended(name)["outcome"] for name in ("stuck", "next")} == {"announced", "updated"}
    assert len(hook.comments()) == 1


def test_no_secret_stands_in_the_log(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, tmp_path: Path
) -> None:
    """Nor a text of a pull request, whatever happened."""
    configured.setenv("GITHUB_TOKEN", "ghp_hunter2")
    github.control(next=["500", "drop", "pass", "pass", "secondary"])
    with process(tmp_path) as (running, address):
        hook = Hook(address, database, github)
        hook.shape(additions=5_000, title="hunter3", body="hunter4")
        hook.happens()
        hook.shape(13, additions=app.BROKEN, title="hunter3")
        hook.send(13, delivery="unlucky")
        eventually(lambda: database.deliveries.find_one({"_id": "unlucky", "attempts": {"$gt": 1}}))
        hook.post(b"{}", {"Content-Type": "application/json"})
        running.terminate()
        running.wait()
    said = (tmp_path / "log").read_text()
    assert "delivery announced" in said
    assert not [secret for secret in (SECRET, "hunter2", "hunter3", "hunter4") if secret in said]
