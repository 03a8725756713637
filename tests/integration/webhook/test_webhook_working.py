"""What becomes of a delivery: scored as the pull request is now, told of in the way that is set, within the budget."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from steps.serve.webhooks.notifiers import MARKER
from tests.integration.conftest import StandIn
from tests.integration.webhook.app import create
from tests.integration.webhook.hook import SHOP, Hook, Mongo, eventually, hurried, process, serving

BUDGET = 5
APP = 7
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def app(configured: pytest.MonkeyPatch, github: StandIn) -> None:
    """A GitHub App, whose installation 1 is on the repository."""
    configured.setenv("WEBHOOK_MODE", "check")
    configured.setenv("GITHUB_APP_ID", str(APP))
    configured.setenv("GITHUB_APP_PRIVATE_KEY", PRIVATE)
    github.control(app={"id": APP, "public_key": PUBLIC})


def test_an_ordinary_pull_request_is_recorded_and_nothing_is_said(hook: Hook, github: StandIn) -> None:
    """One request for the pull request itself, one for its files, and none more."""
    hook.shape(additions=40)
    done = hook.happens()
    assert (done["state"], done["outcome"], done["attempts"]) == ("done", "standard", 1)
    assert (done["result"]["score"], done["result"]["unusual"], done["result"]["model"]) == (0.4, False, "7")
    assert hook.comments() == []
    assert github.stats()["requests"] == 2


def test_a_dry_run_records_the_result_and_says_nothing(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo
) -> None:
    """It also leaves the budget alone."""
    configured.setenv("WEBHOOK_MODE", "record")
    with serving(create()) as address:
        hook = Hook(address, database, github)
        hook.shape(additions=5_000)
        done = hook.happens()
    assert (done["outcome"], done["result"]["unusual"], done["result"]["reasons"] != []) == ("recorded", True, True)
    assert (hook.written()["comments"], database.alerts.count_documents({})) == ([], 0)
    assert github.stats()["requests"] == 2


def test_an_unusual_one_gets_one_comment_that_follows_it(hook: Hook, database: Mongo) -> None:
    """A push changes the comment's words; once the pull request is ordinary, it says that; and back again."""
    hook.shape(additions=5_000)
    assert hook.happens()["outcome"] == "announced"
    [comment] = hook.comments()
    assert comment["body"].startswith(f"{MARKER}\n### Unusual pull request")
    assert "adds 5000 lines" in comment["body"]
    hook.shape(additions=7_000)
    assert hook.happens(action="synchronize")["outcome"] == "updated"
    assert "adds 7000 lines" in hook.comments()[0]["body"]
    hook.shape(additions=10)
    assert hook.happens(action="synchronize")["outcome"] == "standard again"
    assert hook.happens(action="edited")["outcome"] == "standard"
    assert "No longer" in hook.comments()[0]["body"]
    hook.shape(additions=8_000)
    assert hook.happens(action="synchronize")["outcome"] == "updated"
    assert [(one["id"], one["edits"]) for one in hook.comments()] == [(comment["id"], 3)]
    assert len(database.alerts.find_one({})["alerts"]) == 1  # type: ignore[index]


def test_a_stale_delivery_leads_to_the_present_state(hook: Hook) -> None:
    """What a late `synchronize` says of an old commit doesn't matter; the commit of now does."""
    hook.send(delivery="late")
    assert hook.ended("late")["outcome"] == "standard"
    hook.shape(additions=5_000)
    done = hook.happens(action="synchronize")
    assert (done["outcome"], done["result"]["head_sha"]) == ("announced", hook.sha())
    assert done["head_sha"] != done["result"]["head_sha"]


def test_a_comment_that_a_person_removed_is_not_written_again(hook: Hook, github: StandIn, database: Mongo) -> None:
    """They had enough of it."""
    hook.shape(additions=5_000)
    hook.happens()
    database.alerts.update_one({}, {"$set": {"alerts.0.place": 99}})
    assert hook.happens(action="synchronize")["outcome"] == "removed by a person"
    assert len(hook.comments()) == 1


def test_a_comment_of_somebody_else_with_the_same_marker_is_left_alone(hook: Hook, github: StandIn) -> None:
    """Its author could otherwise make the announcement their own, and take it away."""
    hook.shape(additions=5_000)
    url, stranger = f"{github.address}/repos/{SHOP}/issues/12/comments", {"Authorization": "token a-stranger"}
    for _ in range(120):
        requests.post(url, json={"body": f"{MARKER}\nAll is well."}, headers=stranger, timeout=9).raise_for_status()
    assert hook.happens()["outcome"] == "announced"
    *others, own = hook.comments()
    assert {one["body"] for one in others} == {f"{MARKER}\nAll is well."}
    assert "Unusual" in own["body"]


def test_an_unusual_one_gets_a_neutral_check_run_on_its_commit(
    app: None, configured: pytest.MonkeyPatch, github: StandIn, database: Mongo
) -> None:
    """By the App's installation; a later commit gets its own, and an ordinary one amends the last."""
    hurried(configured)
    with serving(create()) as address:
        hook = Hook(address, database, github)
        hook.shape(additions=5_000)
        assert hook.happens(installation=1)["outcome"] == "announced"
        [run] = hook.check_runs()
        assert (run["name"], run["status"], run["conclusion"]) == ("PR Sentinel", "completed", "neutral")
        assert (run["head_sha"], run["external_id"]) == (hook.sha(), f"{SHOP}#12")
        assert run["output"]["title"] == "Unusual pull request"
        assert "adds 5000 lines" in run["output"]["summary"]
        assert hook.happens(action="edited", installation=1)["outcome"] == "updated"
        assert [one["edits"] for one in hook.check_runs()] == [1]
        hook.shape(additions=6_000)
        assert hook.happens(action="synchronize", installation=1)["outcome"] == "updated"
        assert [one["head_sha"] for one in hook.check_runs()] == [run["head_sha"], hook.sha()]
        hook.shape(additions=10)
        assert hook.happens(action="synchronize", installation=1)["outcome"] == "standard again"
    assert [one["output"]["title"] for one in hook.check_runs()] == [
        "Unusual pull request",
        "No longer an unusual pull request",
    ]
    assert (hook.comments(), hook.written()["tokens"]) == ([], 1)


@pytest.mark.parametrize(("installation", "named"), [(None, "names no installation"), (2, "may not see it")])
def test_what_only_an_app_may_do_fails_with_the_reason(
    app: None,
    configured: pytest.MonkeyPatch,
    github: StandIn,
    database: Mongo,
    installation: int | None,
    named: str,
) -> None:
    """A repository's own webhook, or an installation that is gone."""
    hurried(configured)
    with serving(create()) as address:
        failed = Hook(address, database, github).happens(installation=installation)
    assert failed["state"] == "failed"
    assert named in failed["problem"]


def test_a_key_that_github_does_not_accept_leaves_the_delivery_for_later(
    app: None, configured: pytest.MonkeyPatch, github: StandIn, database: Mongo
) -> None:
    """Once the App has the right key at GitHub, it is announced: nothing is lost by a mistake in the settings."""
    hurried(configured)
    github.control(app={"id": 8, "public_key": PUBLIC})
    with serving(create()) as address:
        hook = Hook(address, database, github)
        hook.shape(additions=5_000)
        hook.send(delivery="one", installation=1)
        eventually(lambda: database.deliveries.find_one({"problem": {"$regex": "does not accept"}}))
        github.control(app={"id": APP, "public_key": PUBLIC})
        assert hook.ended("one")["outcome"] == "announced"


def test_the_sixth_unusual_one_of_a_week_is_held_back(hook: Hook, database: Mongo) -> None:
    """Those that have their alert may change; the others are recorded and no more."""
    for number in range(1, BUDGET + 2):
        hook.shape(number, additions=5_000)
    outcomes = [hook.happens(number)["outcome"] for number in range(1, BUDGET + 2)]
    assert outcomes == ["announced"] * BUDGET + ["held back"]
    assert hook.happens(3, "synchronize")["outcome"] == "updated"
    assert hook.happens(BUDGET + 1, "synchronize")["outcome"] == "held back"
    assert [one["edits"] for one in hook.comments()] == [0, 0, 1, 0, 0]
    [week] = database.alerts.find({})
    assert [one["number"] for one in week["alerts"]] == [1, 2, 3, 4, 5]


def test_an_alert_of_an_earlier_week_is_changed_at_no_cost(hook: Hook, database: Mongo) -> None:
    """A new week has its whole budget for new ones."""
    hook.shape(additions=5_000)
    hook.happens()
    [week] = database.alerts.find({})
    database.alerts.delete_one({"_id": week["_id"]})
    database.alerts.insert_one({**week, "_id": f"{SHOP} 2001-W01"})
    assert hook.happens(action="synchronize")["outcome"] == "updated"
    assert (database.alerts.count_documents({}), len(hook.comments())) == (1, 1)


def test_without_a_budget_nothing_is_said(configured: pytest.MonkeyPatch, github: StandIn, database: Mongo) -> None:
    """Nought alerts a week are none."""
    configured.setenv("WEBHOOK_WEEKLY_ALERTS", "0")
    with serving(create()) as address:
        hook = Hook(address, database, github)
        hook.shape(additions=5_000)
        assert hook.happens()["outcome"] == "held back"
    assert hook.comments() == []


def test_several_services_together_keep_to_the_budget_and_say_each_once(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, tmp_path: Path
) -> None:
    """Three replicas, eight unusual pull requests, three deliveries of each at once."""
    github.control(latency_ms=20)
    with ExitStack() as running:
        replicas = [running.enter_context(process(tmp_path))[1] for _ in range(3)]
        hooks = [Hook(address, database, github) for address in replicas]
        for number in range(1, 9):
            hooks[0].shape(number, additions=5_000)
        sent = [(hook, number) for number in range(1, 9) for hook in hooks]
        with ThreadPoolExecutor(8) as senders:
            answers = senders.map(lambda one: one[0].send(one[1], "synchronize").status_code, sent)
        assert set(answers) == {202}
        eventually(lambda: database.deliveries.count_documents({"state": "done"}) == len(sent))
    commented = [comment["issue"] for comment in hooks[0].comments()]
    assert len(commented) == len(set(commented)) == BUDGET
    outcomes: list[Any] = [one["outcome"] for one in database.deliveries.find({})]
    assert sorted(outcomes) == ["announced"] * 5 + ["held back"] * 9 + ["updated"] * 10


def test_a_service_with_another_model_leaves_deliveries_alone_unless_nobody_takes_them(
    hook: Hook, database: Mongo
) -> None:
    """One that is only tried out before its release must not speak; but what the old one left is done in the end."""
    now = datetime.now(UTC)
    names = {"repository": SHOP, "action": "opened", "head_sha": "0" * 40, "installation": None, "model": "f" * 64}
    waiting = {**names, "received_at": now - timedelta(hours=1), "state": "waiting", "attempts": 0}
    hook.left("fresh", **waiting, number=12, next_attempt=now)
    hook.left("left", **waiting, number=13, next_attempt=now - timedelta(minutes=11))
    assert hook.ended("left")["outcome"] == "standard"
    hook.happens(14)
    assert database.deliveries.find_one({"_id": "fresh"})["attempts"] == 0  # type: ignore[index]
