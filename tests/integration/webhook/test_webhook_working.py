"""The processing of a delivery: scored in its present state, notified in the configured mode, within the budget."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from samples import deliver
from steps.serve.webhooks.notifiers import MARKER
from tests.support.github import StandIn
from tests.support.waiting import wait_until
from tests.support.webhook.app import create
from tests.support.webhook.apps import ANOTHER_APP, APP, PUBLIC, configure_app, create_check_run
from tests.support.webhook.hook import ALL, SHOP, Hook, Mongo, headers, process, serving, shorten_waits

BUDGET = 5


@pytest.fixture
def app(configured: pytest.MonkeyPatch, github: StandIn) -> None:
    """A GitHub App, whose installation 1 is on the repository."""
    configure_app(configured, github)


def test_a_standard_pull_request_is_recorded_without_a_notification(hook: Hook, github: StandIn) -> None:
    """One request for the repository's rules, one for the pull request, one for its files, and none more."""
    hook.push(additions=40)
    done = hook.deliver()
    assert (done["state"], done["outcome"], done["attempts"]) == ("done", "standard", 1)
    assert (done["result"]["score"], done["result"]["unusual"], done["result"]["model"]) == (0.4, False, "7")
    assert hook.comments() == []
    assert github.stats()["requests"] == 3


def test_record_mode_records_the_result_without_a_notification(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo
) -> None:
    """It does not use the budget."""
    configured.setenv("WEBHOOK_MODE", "record")
    with serving(create()) as address:
        hook = Hook(address, database, github)
        hook.push(additions=5_000)
        done = hook.deliver()
    assert (done["outcome"], done["result"]["unusual"], done["result"]["reasons"] != []) == ("recorded", True, True)
    assert (hook.read_writes()["comments"], database.alerts.count_documents({})) == ([], 0)
    assert github.stats()["requests"] == 3


def test_an_unusual_pull_request_gets_one_comment_that_is_kept_up_to_date(hook: Hook, database: Mongo) -> None:
    """A push updates the comment; once the pull request is standard, the comment says so; and back again."""
    hook.push(additions=5_000)
    assert hook.deliver()["outcome"] == "announced"
    [comment] = hook.comments()
    assert comment["body"].startswith(f"{MARKER}\n### Unusual pull request")
    assert "adds 5000 lines" in comment["body"]
    hook.push(additions=7_000)
    assert hook.deliver(action="synchronize")["outcome"] == "updated"
    assert "adds 7000 lines" in hook.comments()[0]["body"]
    hook.push(additions=10)
    assert hook.deliver(action="synchronize")["outcome"] == "standard again"
    assert hook.deliver(action="edited")["outcome"] == "standard"
    assert "No longer" in hook.comments()[0]["body"]
    hook.push(additions=8_000)
    assert hook.deliver(action="synchronize")["outcome"] == "updated"
    assert [(one["id"], one["edits"]) for one in hook.comments()] == [(comment["id"], 3)]
    assert len(database.alerts.find_one({})["alerts"]) == 1  # type: ignore[index]


def test_a_stale_delivery_scores_the_present_state(hook: Hook) -> None:
    """The old commit of a late `synchronize` doesn't matter; the present one does."""
    hook.send(delivery="late")
    assert hook.wait_for("late")["outcome"] == "standard"
    raw = json.dumps(deliver.build_payload(ALL[SHOP], 12, "synchronize")).encode()
    hook.push(additions=5_000, updated_at="2026-12-31T00:00:00Z")
    assert hook.post(raw, headers(raw, X_GitHub_Delivery="old")).status_code == 202
    done = hook.wait_for("old")
    assert (done["outcome"], done["attempts"], done["result"]["head_sha"]) == ("announced", 1, hook.sha())
    assert done["head_sha"] != done["result"]["head_sha"]


def test_a_comment_that_a_person_deleted_is_not_posted_again(hook: Hook, github: StandIn, database: Mongo) -> None:
    """They don't want it."""
    hook.push(additions=5_000)
    hook.deliver()
    database.alerts.update_one({}, {"$set": {"alerts.0.place": 99}})
    assert hook.deliver(action="synchronize")["outcome"] == "removed by a person"
    assert len(hook.comments()) == 1


def test_another_users_comment_with_the_marker_is_left_alone(hook: Hook, github: StandIn) -> None:
    """Its author could otherwise take over the notification."""
    hook.push(additions=5_000)
    url, stranger = f"{github.address}/repos/{SHOP}/issues/12/comments", {"Authorization": "token a-stranger"}
    for _ in range(120):
        requests.post(url, json={"body": f"{MARKER}\nAll is well."}, headers=stranger, timeout=9).raise_for_status()
    assert hook.deliver()["outcome"] == "announced"
    *others, own = hook.comments()
    assert {one["body"] for one in others} == {f"{MARKER}\nAll is well."}
    assert "Unusual" in own["body"]


def test_an_unusual_pull_request_gets_a_neutral_check_run_on_its_commit(app_hook: Hook) -> None:
    """By the App's installation; a later commit gets its own, and a standard one updates the last."""
    app_hook.push(additions=5_000)
    assert app_hook.deliver(installation=1)["outcome"] == "announced"
    [run] = app_hook.check_runs()
    assert (run["name"], run["status"], run["conclusion"]) == ("PR Sentinel", "completed", "neutral")
    assert (run["head_sha"], run["external_id"]) == (app_hook.sha(), f"{SHOP}#12")
    assert run["output"]["title"] == "Unusual pull request"
    assert "adds 5000 lines" in run["output"]["summary"]
    assert app_hook.deliver(action="edited", installation=1)["outcome"] == "updated"
    assert [one["edits"] for one in app_hook.check_runs()] == [1]
    app_hook.push(additions=6_000)
    assert app_hook.deliver(action="synchronize", installation=1)["outcome"] == "updated"
    assert [one["head_sha"] for one in app_hook.check_runs()] == [run["head_sha"], app_hook.sha()]
    app_hook.push(additions=10)
    assert app_hook.deliver(action="synchronize", installation=1)["outcome"] == "standard again"
    assert [one["output"]["title"] for one in app_hook.check_runs()] == [
        "Unusual pull request",
        "No longer an unusual pull request",
    ]
    assert (app_hook.comments(), app_hook.read_writes()["tokens"]) == ([], 1)


def test_a_check_run_whose_number_was_lost_is_found_again(app_hook: Hook, github: StandIn, database: Mongo) -> None:
    """By a service that ended before it was stored; another App's and another pull request's are left alone."""
    app_hook.push(additions=5_000)
    fixed = {"name": "PR Sentinel", "status": "completed", "conclusion": "neutral"}
    other = fixed | {
        "head_sha": app_hook.sha(),
        "output": {"title": "Something else", "summary": "Not by this service."},
    }
    create_check_run(github, other | {"external_id": f"{SHOP}#13"})
    create_check_run(github, other | {"external_id": f"{SHOP}#12"}, ANOTHER_APP)
    assert app_hook.deliver(installation=1)["outcome"] == "announced"
    database.alerts.update_one({"alerts.number": 12}, {"$set": {"alerts.$.place": None}})
    app_hook.deliver(action="edited", installation=1)
    assert [one["edits"] for one in app_hook.check_runs()] == [0, 0, 1]


@pytest.mark.parametrize(("installation", "named"), [(None, "has no installation id"), (2, "has no access to it")])
def test_a_check_run_without_the_app_fails_with_the_reason(
    app: None,
    configured: pytest.MonkeyPatch,
    github: StandIn,
    database: Mongo,
    installation: int | None,
    named: str,
) -> None:
    """A repository's own webhook, or an installation that is gone."""
    shorten_waits(configured)
    with serving(create()) as address:
        failed = Hook(address, database, github).deliver(installation=installation)
    assert failed["state"] == "failed"
    assert named in failed["problem"]


def test_a_rejected_app_key_postpones_the_delivery(
    app: None, configured: pytest.MonkeyPatch, github: StandIn, database: Mongo
) -> None:
    """Once GitHub accepts the key, the notification is posted: nothing is lost by a wrong setting."""
    shorten_waits(configured)
    github.control(app={"id": 8, "public_key": PUBLIC})
    with serving(create()) as address:
        hook = Hook(address, database, github)
        hook.push(additions=5_000)
        hook.send(delivery="one", installation=1)
        wait_until(lambda: database.deliveries.find_one({"problem": {"$regex": "does not accept"}}))
        github.control(app={"id": APP, "public_key": PUBLIC})
        assert hook.wait_for("one")["outcome"] == "announced"


def test_the_sixth_alert_of_a_week_is_held_back(hook: Hook, database: Mongo) -> None:
    """Existing alerts may be updated; the others are only recorded."""
    for number in range(1, BUDGET + 2):
        hook.push(number, additions=5_000)
    outcomes = [hook.deliver(number)["outcome"] for number in range(1, BUDGET + 2)]
    assert outcomes == ["announced"] * BUDGET + ["held back"]
    assert hook.deliver(3, "synchronize")["outcome"] == "updated"
    assert hook.deliver(BUDGET + 1, "synchronize")["outcome"] == "held back"
    assert [one["edits"] for one in hook.comments()] == [0, 0, 1, 0, 0]
    [week] = database.alerts.find({})
    assert [one["number"] for one in week["alerts"]] == [1, 2, 3, 4, 5]


def test_an_update_of_an_earlier_weeks_alert_costs_no_budget(hook: Hook, database: Mongo) -> None:
    """A new week has its whole budget for new alerts."""
    hook.push(additions=5_000)
    hook.deliver()
    [week] = database.alerts.find({})
    database.alerts.delete_one({"_id": week["_id"]})
    database.alerts.insert_one({**week, "_id": f"{SHOP} 2001-W01"})
    assert hook.deliver(action="synchronize")["outcome"] == "updated"
    assert (database.alerts.count_documents({}), len(hook.comments())) == (1, 1)


def test_a_budget_of_zero_means_no_notifications(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo
) -> None:
    """Zero alerts per week."""
    configured.setenv("WEBHOOK_WEEKLY_ALERTS", "0")
    with serving(create()) as address:
        hook = Hook(address, database, github)
        hook.push(additions=5_000)
        assert hook.deliver()["outcome"] == "held back"
    assert hook.comments() == []


def test_replicas_share_the_budget_and_notify_once(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, tmp_path: Path
) -> None:
    """Three replicas, eight unusual pull requests, three deliveries of each at once."""
    github.control(latency_ms=20)
    with ExitStack() as running:
        replicas = [running.enter_context(process(tmp_path))[1] for _ in range(3)]
        hooks = [Hook(address, database, github) for address in replicas]
        for number in range(1, 9):
            hooks[0].push(number, additions=5_000)
        sent = [(hook, number) for number in range(1, 9) for hook in hooks]
        with ThreadPoolExecutor(8) as senders:
            answers = senders.map(lambda one: one[0].send(one[1], "synchronize").status_code, sent)
        assert set(answers) == {202}
        wait_until(lambda: database.deliveries.count_documents({"state": "done"}) == len(sent))
    commented = [comment["issue"] for comment in hooks[0].comments()]
    assert len(commented) == len(set(commented)) == BUDGET
    outcomes: list[Any] = [one["outcome"] for one in database.deliveries.find({})]
    assert sorted(outcomes) == ["announced"] * 5 + ["held back"] * 9 + ["updated"] * 10


def test_deliveries_for_another_model_are_taken_only_when_overdue(hook: Hook, database: Mongo) -> None:
    """A preview must not notify; but what the old service left is processed in the end."""
    now = datetime.now(UTC)
    names = {"repository": SHOP, "action": "opened", "head_sha": "0" * 40, "installation": None, "model": "f" * 64}
    waiting = {**names, "received_at": now - timedelta(hours=1), "state": "waiting", "attempts": 0}
    hook.insert_delivery("fresh", **waiting, number=12, next_attempt=now)
    hook.insert_delivery("left", **waiting, number=13, next_attempt=now - timedelta(minutes=11))
    assert hook.wait_for("left")["outcome"] == "standard"
    hook.deliver(14)
    assert database.deliveries.find_one({"_id": "fresh"})["attempts"] == 0  # type: ignore[index]
