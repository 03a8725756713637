"""People's votes on alerts are read back, counted once, and only from those who may vote."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from samples import deliver
from samples.server import LATEST
from steps.serve import metrics
from steps.serve.feedback import read_feedback, summarise_feedback
from tests.support.github import StandIn
from tests.support.waiting import wait_until
from tests.support.webhook.apps import APP
from tests.support.webhook.hook import ALL, SECRET, SHOP, Hook, Mongo

MAINTAINER, OTHER, STRANGER = "a-maintainer", "another-maintainer", "a-stranger"
"""Tokens of people."""


def identify(token: str) -> dict[str, Any]:
    """Return the account that the fake server gives to a token."""
    from samples.identities import IdentityRegistry

    who = IdentityRegistry().identify(f"token {token}")
    assert who
    return who.to_account()


@pytest.fixture
def maintained(hook: Hook, github: StandIn) -> Hook:
    """A webhook at a repository with two maintainers."""
    github.control(roles={SHOP: {identify(MAINTAINER)["login"]: "write", identify(OTHER)["login"]: "maintain"}})
    return hook


def react(github: StandIn, content: str, token: str, comment: int = 1) -> dict[str, Any]:
    """React to a comment."""
    url = f"{github.address}/repos/{SHOP}/issues/comments/{comment}/reactions"
    answer = requests.post(url, json={"content": content}, headers={"Authorization": f"token {token}"}, timeout=9)
    answer.raise_for_status()
    return dict(answer.json())


def announce(hook: Hook, number: int = 12, **fields: Any) -> None:
    """Have an alert published."""
    hook.push(number, additions=5_000, **fields)
    assert hook.deliver(number)["outcome"] == "announced"


def read(database: Mongo, number: int = 12) -> dict[str, Any]:
    """Let the worker read the reactions now, and return what is stored."""
    identity = f"{SHOP}#{number}"
    before = database.feedback.find_one({"_id": identity})
    assert before
    database.feedback.update_one({"_id": identity}, {"$set": {"next_check": datetime.now(UTC) - timedelta(days=99)}})
    return dict(wait_until(lambda: database.feedback.find_one({"_id": identity, "checks": {"$gt": before["checks"]}})))


def test_votes_of_maintainers_are_stored_beside_the_prediction(
    maintained: Hook, github: StandIn, database: Mongo
) -> None:
    """Once, however often they are read; one that is taken back is gone."""
    announce(maintained)
    [comment] = maintained.comments()
    assert "👍 or 👎 on this comment" in comment["body"]
    react(github, "+1", MAINTAINER)
    given = react(github, "-1", OTHER)
    react(github, "heart", OTHER)
    react(github, "-1", STRANGER)
    before = count_votes("useful"), count_votes("useless")
    found = read(database)
    accounts = {str(identify(MAINTAINER)["id"]): "useful", str(identify(OTHER)["id"]): "useless"}
    assert (found["votes"], found["verdict"], found["kinds"]) == (accounts, None, ["dump"])
    assert identify(MAINTAINER)["login"] not in json.dumps(found, default=str)
    url = f"{github.address}/repos/{SHOP}/issues/comments/1/reactions/{given['id']}"
    requests.delete(url, headers={"Authorization": f"token {OTHER}"}, timeout=9).raise_for_status()
    assert [read(database)["verdict"] for _ in range(2)] == ["useful", "useful"]
    assert (count_votes("useful") - before[0], count_votes("useless") - before[1]) == (1, 1)
    assert summarise_feedback(read_feedback(database, SHOP)) == (1, 1)


def count_votes(vote: str) -> float:
    """Return the metric."""
    return metrics.REGISTRY.get_sample_value("pr_sentinel_votes_total", {"vote": vote}) or 0.0


def test_the_author_has_no_vote(maintained: Hook, github: StandIn, database: Mongo) -> None:
    """Not even with write access."""
    announce(maintained, account=identify(MAINTAINER)["id"])
    react(github, "-1", MAINTAINER)
    assert read(database)["votes"] == {}


def test_reading_is_conditional_and_permissions_are_looked_up_once(
    maintained: Hook, github: StandIn, database: Mongo
) -> None:
    """What has not changed costs one request, which costs nothing of the rate limit."""
    announce(maintained)
    react(github, "+1", MAINTAINER)
    react(github, "+1", STRANGER)
    costs = []
    for _ in range(3):
        before = github.stats()["requests"]
        read(database)
        costs.append(github.stats()["requests"] - before)
    assert costs == [3, 1, 1]
    assert github.stats()["not_modified"] == 2


def test_an_alert_is_read_so_many_times_and_no_more(maintained: Hook, github: StandIn, database: Mongo) -> None:
    """The next time is ever later; in the end there is none."""
    announce(maintained)
    waits = []
    while (found := read(database))["next_check"]:
        waits.append(found["next_check"] - datetime.now(UTC))
    assert waits == sorted(waits)
    assert len(waits) == 6


def test_many_reactions_are_looked_at_bit_by_bit(maintained: Hook, github: StandIn, database: Mongo) -> None:
    """A crowd of strangers neither costs many requests at once nor hides a maintainer's vote."""
    announce(maintained)
    for place in range(30):
        react(github, "+1", f"stranger-{place}")
    react(github, "-1", MAINTAINER)
    before = github.stats()["requests"]
    identity = {"_id": f"{SHOP}#12"}
    database.feedback.update_one(identity, {"$set": {"next_check": datetime.now(UTC) - timedelta(days=1)}})
    wait_until(lambda: github.stats()["requests"] > before + 20)
    found = wait_until(lambda: database.feedback.find_one(identity | {"next_check": {"$gt": datetime.now(UTC)}}))
    assert github.stats()["requests"] - before == 21
    assert (found["votes"], found["checks"]) == ({}, 0)
    assert read(database)["verdict"] == "useless"


GONE = "404 Not Found"


@pytest.mark.parametrize("faults", [[GONE, GONE], [GONE, "forbidden"], ["forbidden"]], ids=" ".join)
def test_what_github_refuses_is_asked_for_no_more_often_than_what_it_gives(
    maintained: Hook, github: StandIn, database: Mongo, faults: list[str]
) -> None:
    """A repository that is gone, or out of reach, costs as few requests as any other, and takes no vote."""
    announce(maintained)
    react(github, "-1", MAINTAINER)
    assert read(database)["verdict"] == "useless"
    github.control(next=faults)
    found = read(database)
    assert (found["checks"], found["verdict"], found["next_check"] > datetime.now(UTC)) == (2, "useless", True)


def test_a_removal_that_can_t_be_told_from_a_fault_waits(maintained: Hook, github: StandIn, database: Mongo) -> None:
    """The comment is gone; whether the repository is, GitHub can't say now."""
    announce(maintained)
    github.control(next=[GONE, "502"])
    database.feedback.update_one({}, {"$set": {"next_check": datetime.now(UTC) - timedelta(days=1)}})
    wait_until(lambda: github.stats().get("fault 502"))
    found = wait_until(lambda: database.feedback.find_one({"next_check": {"$gt": datetime.now(UTC)}}))
    assert (found["checks"], found["verdict"]) == (0, None)


@pytest.mark.parametrize("fault", ["502", "drop", "garbage", "secondary"])
def test_faults_of_github_delay_the_reading(maintained: Hook, github: StandIn, database: Mongo, fault: str) -> None:
    """Nothing is lost, and deliveries go on."""
    announce(maintained)
    react(github, "-1", MAINTAINER)
    github.control(next=[fault])
    database.feedback.update_one({}, {"$set": {"next_check": datetime.now(UTC) - timedelta(days=1)}})
    wait_until(lambda: github.stats().get(f"fault {fault}"))
    later = datetime.now(UTC)
    wait_until(lambda: database.feedback.find_one({"next_check": {"$gt": later}, "votes": {}}))
    wait_until(lambda: maintained.deliver(action="edited")["outcome"] == "updated")
    assert read(database)["verdict"] == "useless"


def test_a_comment_that_was_removed_was_useless(maintained: Hook, github: StandIn, database: Mongo) -> None:
    """Only people with write access can do that; the author may be one of them, and then it says nothing."""
    for number, association in ((12, "FIRST_TIME_CONTRIBUTOR"), (13, "MEMBER")):
        announce(maintained, number, association=association)
        url = f"{github.address}/repos/{SHOP}/issues/comments/{maintained.comments()[0]['id']}"
        requests.delete(url, headers={"Authorization": "token a-maintainer"}, timeout=9).raise_for_status()
    database.feedback.update_many({}, {"$set": {"next_check": datetime.now(UTC) - timedelta(days=1)}})
    wait_until(lambda: database.feedback.count_documents({"next_check": None}) == 2)
    wait_until(lambda: database.feedback.find_one({"number": 12, "verdict": "useless"}))
    assert database.feedback.find_one({"number": 13})["verdict"] is None  # type: ignore[index]


@pytest.fixture
def checked(app_hook: Hook, github: StandIn) -> Hook:
    """A webhook of a GitHub App, whose alert is a check run."""
    github.control(roles={SHOP: {"octocat": "admin"}})
    app_hook.push(additions=5_000)
    assert app_hook.deliver(installation=1)["outcome"] == "announced"
    return app_hook


def press(hook: Hook, button: str = "useless", login: str = "octocat", account: int = 99, **changes: Any) -> str:
    """Press a button of the check run, and return the outcome of the delivery."""
    delivery = str(uuid.uuid4())
    [run] = hook.check_runs()
    payload = {
        "action": "requested_action",
        "requested_action": {"identifier": button},
        "check_run": {"id": run["id"], "head_sha": run["head_sha"], "external_id": run["external_id"]},
        "repository": {"full_name": SHOP},
        "sender": {"login": login, "id": account, "type": "User"},
        "installation": {"id": 1},
    }
    raw = json.dumps(payload | changes).encode()
    answer = hook.post(raw, deliver.build_headers(raw, SECRET, delivery, "check_run"))
    if answer.json()["status"] != "accepted":
        return str(answer.json()["status"])
    return str(hook.wait_for(delivery)["outcome"])


def test_the_buttons_of_a_check_run_are_votes(checked: Hook, database: Mongo) -> None:
    """The last one of each person counts, once."""
    [run] = checked.check_runs()
    assert [one["identifier"] for one in run["actions"]] == ["useful", "useless"]
    assert [press(checked, button) for button in ("useful", "useless", "useless")] == ["counted"] * 3
    found = database.feedback.find_one({"_id": f"{SHOP}#12"})
    assert found
    assert (found["votes"], found["verdict"], found["mode"]) == ({"99": "useless"}, "useless", "check")
    assert database.deliveries.count_documents({"voter": {"$exists": True}}) == 0


def test_only_people_with_write_access_and_never_the_author_have_a_vote(checked: Hook, database: Mongo) -> None:
    """Whatever else GitHub delivers is ignored."""
    pull = ALL[SHOP].one(12, LATEST)
    assert pull
    assert press(checked, login="somebody", account=98) == "not counted"
    assert press(checked, account=pull.account or 0) == "not counted"
    assert press(checked, "launch").startswith("ignored")
    assert press(checked, action="completed").startswith("ignored")
    assert database.feedback.find_one({})["votes"] == {}  # type: ignore[index]


def test_a_check_run_that_is_standard_again_has_no_buttons(checked: Hook) -> None:
    """There is nothing left to vote on."""
    checked.push(additions=10)
    assert checked.deliver(action="edited", installation=1)["outcome"] == "standard again"
    assert checked.check_runs()[0]["actions"] == []
    assert checked.check_runs()[0]["app"]["id"] == APP
