"""A repository's own rules decide how its pull requests are treated, and are asked for no more than necessary."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from samples import deliver
from steps.serve.policy import PATH
from tests.support.github import StandIn
from tests.support.webhook.app import Budgets, create
from tests.support.webhook.apps import configure_app
from tests.support.webhook.hook import SECRET, SHOP, Hook, Mongo, serving, shorten_waits


def write(github: StandIn, text: str | None) -> None:
    """Write the file to the default branch."""
    github.control(files={SHOP: {PATH: text}})


def push(hook: Hook, path: str = PATH, **changes: Any) -> requests.Response:
    """Deliver a push that changes a file."""
    payload = {
        "ref": "refs/heads/main",
        "forced": False,
        "commits": [{"id": "0" * 40, "added": [], "modified": [path], "removed": []}],
        "repository": {"full_name": SHOP, "default_branch": "main"},
    }
    raw = json.dumps(payload | changes).encode()
    return hook.post(raw, deliver.build_headers(raw, SECRET, str(uuid.uuid4()), "push"))


def count_requests(hook: Hook, github: StandIn, number: int = 12) -> int:
    """Return the number of requests to GitHub that a delivery costs."""
    before = github.stats().get("requests", 0)
    hook.deliver(number, "synchronize")
    return github.stats().get("requests", 0) - before


def test_the_file_is_asked_for_once_and_again_only_after_a_push_or_an_hour(
    hook: Hook, github: StandIn, database: Mongo
) -> None:
    """A delivery costs the pull request and its files; a file that has not changed costs nothing of the rate limit."""
    write(github, "weekly_alerts: 1\n")
    hook.push(additions=40)
    assert [count_requests(hook, github) for _ in range(3)] == [3, 2, 2]
    assert push(hook).json() == {"status": "accepted"}
    assert [count_requests(hook, github) for _ in range(2)] == [3, 2]
    assert github.stats()["not_modified"] == 1
    old = datetime.now(UTC) - timedelta(hours=2)
    database.policies.update_one({"_id": SHOP}, {"$set": {"checked_at": old}})
    assert [count_requests(hook, github) for _ in range(2)] == [3, 2]
    assert github.stats()["not_modified"] == 2


def test_a_missing_file_is_not_asked_for_with_every_delivery(hook: Hook, github: StandIn) -> None:
    """Most repositories have none."""
    assert [count_requests(hook, github) for _ in range(3)] == [3, 2, 2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"commits": [{"added": ["a.py"], "modified": [], "removed": []}]}, "ignored"),
        ({"ref": "refs/heads/other"}, "ignored"),
        ({"ref": "refs/tags/main"}, "ignored"),
        ({"commits": [{"added": [], "modified": [], "removed": [PATH]}]}, "accepted"),
        ({"commits": [], "forced": True}, "accepted"),
    ],
)
def test_only_a_push_that_may_change_the_file_is_taken(
    hook: Hook, github: StandIn, changes: dict[str, Any], said: str
) -> None:
    """Of the default branch."""
    hook.deliver()
    assert push(hook, **changes).json()["status"].startswith(said)
    assert count_requests(hook, github) == (3 if said == "accepted" else 2)


def test_a_change_of_the_file_holds_from_the_next_delivery(hook: Hook, github: StandIn) -> None:
    """From the default branch, once it is pushed."""
    hook.push(additions=5_000)
    write(github, "mode: record\n")
    assert hook.deliver()["outcome"] == "recorded"
    write(github, "mode: comment\n")
    assert hook.deliver(action="synchronize")["outcome"] == "recorded"
    push(hook)
    assert hook.deliver(action="synchronize")["outcome"] == "announced"
    write(github, None)
    push(hook)
    assert hook.deliver(action="synchronize")["outcome"] == "updated"


def test_a_repository_that_is_off_costs_one_request_an_hour(hook: Hook, github: StandIn, database: Mongo) -> None:
    """Its pull requests are not even fetched."""
    write(github, "mode: off\n")
    assert (hook.deliver()["outcome"], count_requests(hook, github)) == ("off", 0)
    assert github.stats()["requests"] == 1


def test_the_budget_of_the_file_holds(hook: Hook, github: StandIn) -> None:
    """Fewer than the service would allow, or more."""
    write(github, "weekly_alerts: 1\n")
    for number in range(1, 9):
        hook.push(number, additions=5_000)
    assert [hook.deliver(number)["outcome"] for number in (1, 2)] == ["announced", "held back"]
    write(github, "weekly_alerts: 7\n")
    push(hook)
    outcomes = [hook.deliver(number)["outcome"] for number in range(2, 9)]
    assert outcomes == ["announced"] * 6 + ["held back"]


def test_a_service_that_may_alert_nobody_stays_silent(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo
) -> None:
    """The operator's zero is the last word, and so is the mode `record`."""
    write(github, "mode: comment\nweekly_alerts: 9\n")
    for settings in ({"WEBHOOK_WEEKLY_ALERTS": "0"}, {"WEBHOOK_MODE": "record"}):
        with configured.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            with serving(create()) as address:
                hook = Hook(address, database, github)
                hook.push(additions=5_000)
                assert hook.deliver()["outcome"] in ("held back", "recorded")
                assert hook.comments() == []


@pytest.mark.parametrize(
    "rules",
    [
        "mute: {authors: [SOMEBODY]}\n",
        "mute: {labels: [Quiet]}\n",
        "mute: {paths: ['vendor/**']}\n",
        "mute: {reasons: [dump]}\n",
    ],
)
def test_what_the_file_mutes_raises_no_alert(hook: Hook, github: StandIn, rules: str) -> None:
    """By author, label, path or kind of reason; it is scored and recorded nevertheless."""
    write(github, rules)
    fields: dict[str, Any] = {"author": "somebody", "labels": ["quiet"], "changed_files": 1}
    hook.push(additions=5_000, files=[["vendor/a.js", 5_000, 0, "M"]], **fields)
    done = hook.deliver()
    assert (done["outcome"], done["result"]["unusual"], hook.comments()) == ("muted", True, [])
    hook.push(additions=50, files=[["vendor/a.js", 50, 0, "M"]], **fields)
    assert hook.deliver(action="synchronize")["outcome"] == "standard"


def test_a_label_that_mutes_withdraws_the_alert(hook: Hook, github: StandIn) -> None:
    """And its removal brings it back; without such labels in the file, nothing is fetched for one."""
    hook.push(additions=5_000)
    assert hook.deliver()["outcome"] == "announced"
    assert hook.deliver(action="labeled")["outcome"] == "ignored"
    write(github, "mute: {labels: [release]}\n")
    push(hook)
    hook.push(additions=5_000, labels=["release"])
    assert hook.deliver(action="labeled")["outcome"] == "muted"
    assert "one of its labels is muted" in hook.comments()[0]["body"]
    hook.push(additions=5_000, labels=[])
    assert hook.deliver(action="unlabeled")["outcome"] == "updated"
    assert len(hook.comments()) == 1


@pytest.mark.parametrize("text", ["mode: loud\n", "x" * 20_000, "[" * 9_000, "a: &a [*a]\n", "\tmode: off\n"])
def test_a_bad_file_is_logged_once_and_the_defaults_hold(
    hook: Hook, github: StandIn, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """The alert that is published anyway says that the file is not used; nothing else is posted."""
    write(github, text)
    hook.push(additions=5_000)
    with caplog.at_level("WARNING"):
        assert hook.deliver()["outcome"] == "announced"
        assert hook.deliver(action="synchronize")["outcome"] == "updated"
        push(hook)
        assert hook.deliver(action="synchronize")["outcome"] == "updated"
    [comment] = hook.comments()
    assert f"`{PATH}` is not used" in comment["body"]
    assert len([one for one in caplog.records if "are not valid" in one.message]) == 1


def test_what_a_pull_request_brings_has_no_say(hook: Hook, github: StandIn) -> None:
    """It changes the file itself, and is judged by that of the default branch."""
    files = [[PATH, 3, 0, "A"]]
    hook.push(additions=5_000, files=files, changed_files=1)
    assert hook.deliver()["outcome"] == "announced"
    # The file, the pull request, its files, who we are, the comments, and the new comment.
    assert github.stats()["requests"] == 6


@pytest.mark.parametrize("fault", ["502", "forbidden", "garbage", "drop"])
def test_a_file_that_can_not_be_read_loses_no_delivery(
    hook: Hook, github: StandIn, database: Mongo, fault: str
) -> None:
    """It is retried, or the defaults hold; rules that are known stay."""
    write(github, "mode: record\n")
    github.control(next=[fault])
    hook.push(additions=5_000)
    assert hook.deliver()["outcome"] == ("announced" if fault == "forbidden" else "recorded")
    assert all(PATH + "` is not used" not in comment["body"] for comment in hook.comments())
    github.control(next=["pass"])
    push(hook)
    hook.deliver(action="synchronize")
    push(hook)
    github.control(next=["502"])
    assert hook.deliver(action="synchronize")["outcome"] == "recorded"


def test_the_share_of_the_file_reaches_the_thresholds(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo
) -> None:
    """And goes with the file."""
    budgets = Budgets()
    write(github, "alert_budget: 0.05\n")
    with serving(create(budgets=budgets)) as address:
        hook = Hook(address, database, github)
        hook.deliver()
        assert budgets.found == {SHOP: 0.05}
        write(github, None)
        push(hook)
        hook.deliver(action="synchronize")
        assert budgets.found == {SHOP: None}


def test_without_an_app_a_repository_that_wants_check_runs_gets_no_comments(
    hook: Hook, github: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """Comments are louder than what it asked for; an alert that has one already is kept up to date."""
    hook.push(additions=5_000)
    assert hook.deliver()["outcome"] == "announced"
    write(github, "mode: check\n")
    push(hook)
    assert hook.deliver(action="synchronize")["outcome"] == "updated"
    hook.push(13, additions=5_000)
    with caplog.at_level("WARNING"):
        assert hook.deliver(13)["outcome"] == "recorded"
    assert len(hook.comments()) == 1
    assert "can't publish in the mode" in caplog.text


def test_a_repository_can_ask_for_comments_where_others_have_check_runs(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo
) -> None:
    """If the service has a token; without one, it gets check runs."""
    configure_app(configured, github)
    shorten_waits(configured)
    write(github, "mode: comment\n")
    for token, number, expected in (("a-token", 12, (1, 0)), ("", 13, (0, 1))):
        configured.setenv("GITHUB_TOKEN", token)
        with serving(create()) as address:
            hook = Hook(address, database, github)
            hook.push(number, additions=5_000)
            before = (len(hook.comments()), len(hook.check_runs()))
            assert hook.deliver(number, installation=1)["outcome"] == "announced"
            after = (len(hook.comments()), len(hook.check_runs()))
            assert (after[0] - before[0], after[1] - before[1]) == expected
