"""Fetching while GitHub fails in all the ways it is known to fail."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from steps.common import mongo
from steps.common.errors import AccessRefused, ConfigurationError, DataError, NotFound, Unavailable
from steps.fetch import github as adapter
from steps.fetch.sync import synchronise
from tests.support.github import StandIn

Mongo = Database[dict[str, Any]]
DOCS = "example/docs"


@pytest.mark.parametrize(
    "fault",
    [
        *("500", "502", "503", "504", "truncate", "drop", "garbage", "html", "null", "timeout"),
        *("unavailable", "internal"),
    ],
)
def test_a_failed_answer_is_asked_for_again(github: StandIn, database: Mongo, fault: str) -> None:
    """Twice in a row or once later on, nothing is lost and nothing is doubled."""
    github.control(next=[fault, fault])
    result = synchronise(DOCS)
    assert (result["fetched"], database.pull_requests.count_documents({})) == (400, 400)
    assert github.stats()["requests"] == result["requests"] > 4


@pytest.mark.parametrize("limit", ["secondary", "secondary-429", "secondary-200", "primary", "primary-403"])
def test_no_request_is_sent_while_a_limit_holds(github: StandIn, database: Mongo, limit: str) -> None:
    """The pause that GitHub asks for is kept to the end."""
    github.control(next=[limit])
    result = synchronise(DOCS)
    assert (result["fetched"], result["requests"]) == (400, 5)
    assert "requests_during_retry_after" not in github.stats()


@pytest.mark.parametrize("limit", ["secondary", "primary"])
def test_a_limit_too_long_to_sit_out_ends_the_step_with_its_end(github: StandIn, database: Mongo, limit: str) -> None:
    """After an hour's limit the step says until when it holds, and leaves it to the workflow to come back."""
    github.control(next=[limit], retry_after=3600)
    with pytest.raises(Unavailable, match=r"refuses requests until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"):
        synchronise(DOCS)
    assert github.stats()["requests"] == 1


def test_pages_shrink_where_heavy_queries_time_out(github: StandIn, database: Mongo) -> None:
    """A GitHub that can't answer more than thirty at once is read in smaller pages."""
    github.control(heavy_above=30)
    assert synchronise(DOCS)["fetched"] == 400


def test_files_are_left_out_where_even_the_smallest_page_times_out(github: StandIn, database: Mongo) -> None:
    """Pull requests without their files are worth more than none."""
    github.control(heavy_above=1)
    assert synchronise("example/tiny")["fetched"] == 10
    assert {document["files"] for document in database.pull_requests.find()} == {None}


def test_a_pull_request_that_github_cannot_show_does_not_stop_the_others(github: StandIn, database: Mongo) -> None:
    """An error that stays at one pull request puts that one aside and keeps its page."""
    github.control(change={f"{DOCS}#5": {"additions": None}})
    result = synchronise(DOCS)
    assert (result["fetched"], result["quarantined"]) == (399, 1)
    (kept,) = database.quarantine.find()
    assert kept["source_id"].startswith(f"{DOCS}@")


def test_a_field_that_github_lacks_is_named_at_once(github: StandIn, database: Mongo) -> None:
    """An old GitHub Enterprise Server won't have it the next time either."""
    github.control(next=["undefined-field"])
    with pytest.raises(DataError, match="isDraft"):
        synchronise(DOCS)
    assert github.stats()["requests"] == 1


@pytest.mark.parametrize(
    ("gap", "kept", "quarantined", "missing"),
    [
        ((5, "assignees", "FORBIDDEN"), 400, 0, 1),
        ((5, "labels", "NOT_FOUND"), 400, 0, 1),
        ((5, "author", "NOT_FOUND"), 400, 0, 1),
        ((5, "author", "FORBIDDEN"), 399, 1, 1),
        ((5, "node", "FORBIDDEN"), 399, 1, 1),
        ((5,), 399, 0, 1),
    ],
)
def test_what_the_token_may_not_see_costs_itself_alone(
    github: StandIn, database: Mongo, gap: tuple[Any, ...], kept: int, quarantined: int, missing: int
) -> None:
    """An author who is hidden is not a deleted account; all else goes on, is counted, and is not requested twice."""
    github.control(gaps=[gap])
    result = synchronise(DOCS)
    assert (result["fetched"], result["quarantined"], result["missing"]) == (kept, quarantined, missing)
    assert result["requests"] == 4


def test_a_page_on_which_nothing_is_listed_is_read_over(github: StandIn, database: Mongo) -> None:
    """Hidden pull requests of a spam account leave a page empty, and others may follow."""
    github.control(gaps=[[number] for number in range(1, 401) if number % 3])
    result = synchronise(DOCS)
    assert (result["fetched"], result["missing"]) == (133, 267)


def test_a_repository_that_can_not_be_read_leaves_its_reason(github: StandIn, database: Mongo) -> None:
    """preprocess counts it; the next success takes the reason back."""
    with pytest.raises(NotFound):
        synchronise("example/nothing")
    (place,) = database.sync.find()
    assert "example/nothing" in place["problem"]
    database.sync.insert_one({"_id": DOCS, "problem": "It was away."})
    synchronise(DOCS)
    assert "problem" not in (database.sync.find_one({"_id": DOCS}) or {})


def test_a_github_that_never_recovers_is_unavailable(github: StandIn, database: Mongo) -> None:
    """What was kept before stays, and the next run goes on after it."""
    github.control(now="2025-01-01T00:00:00Z")
    before = synchronise(DOCS)["fetched"]
    github.control(now="2026-09-01T00:00:00Z", next=["503"] * adapter.ATTEMPTS)
    with pytest.raises(Unavailable, match="status 503"):
        synchronise(DOCS)
    assert synchronise(DOCS)["fetched"] == 400 - before


@pytest.mark.parametrize("name", ["example/nothing", "nobody/webshop"])
def test_an_unknown_repository_is_named(github: StandIn, database: Mongo, name: str) -> None:
    """Unknown and private ones look the same from outside."""
    with pytest.raises(NotFound, match=name):
        synchronise(name)


@pytest.mark.parametrize("name", ["webshop", "example/", "a/b/c", "exa mple/x", "", "example/../x", "x\n/y"])
def test_a_name_of_another_form_is_refused_before_anything_is_asked(
    github: StandIn, database: Mongo, name: str
) -> None:
    """Names have the form owner/name."""
    with pytest.raises(ConfigurationError, match="owner/name"):
        synchronise(name)
    assert github.stats().get("requests", 0) == 0


def test_a_wrong_token_is_refused(github: StandIn, database: Mongo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that GitHub doesn't take won't be taken the next time either."""
    monkeypatch.setenv("GITHUB_TOKEN", "bad-token")
    with pytest.raises(AccessRefused, match="refuses the token"):
        synchronise(DOCS)
    assert github.stats()["requests"] == 1


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "schlüssel"])
def test_a_token_that_no_header_can_hold_is_refused_without_showing_it(
    github: StandIn, database: Mongo, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    """It was copied wrongly."""
    monkeypatch.setenv("GITHUB_TOKEN", token)
    with pytest.raises(ConfigurationError, match="GITHUB_TOKEN") as caught:
        synchronise(DOCS)
    assert token not in str(caught.value)


def test_a_missing_token_is_named(github: StandIn, database: Mongo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token there is no GraphQL."""
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(ConfigurationError, match="GITHUB_TOKEN"):
        synchronise(DOCS)


def test_an_unreachable_github_is_named(github: StandIn, database: Mongo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that doesn't answer stands in the error."""
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:1"):
        synchronise(DOCS)


@pytest.mark.parametrize("path", ["/nowhere", "/api/v3/deeper"])
def test_an_address_without_graphql_is_a_wrong_setting(
    github: StandIn, database: Mongo, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """There is a server, but not GitHub's interface."""
    monkeypatch.setenv("GITHUB_API_URL", github.address + path)
    with pytest.raises(ConfigurationError, match="GraphQL"):
        synchronise(DOCS)


@pytest.mark.parametrize("address", ["github.com", "ftp://github.com", "https://"])
def test_an_address_that_is_none_is_refused(
    github: StandIn, database: Mongo, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """An address begins with http:// or https:// and names a host."""
    monkeypatch.setenv("GITHUB_API_URL", address)
    with pytest.raises(ConfigurationError, match="GITHUB_API_URL"):
        synchronise(DOCS)


def test_an_unreachable_mongodb_is_named(github: StandIn, database: Mongo, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked for before GitHub is asked."""
    monkeypatch.setattr(mongo, "SELECTION_TIMEOUT_MS", 300)
    monkeypatch.setenv("MONGO_URI", "mongodb://user:secret@127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1") as caught:
        synchronise(DOCS)
    assert "secret" not in str(caught.value)
    assert github.stats().get("requests", 0) == 0


def test_the_step_ends_with_the_errors_exit_code_and_never_shows_the_token(
    github: StandIn, database: Mongo, tmp_path: Path
) -> None:
    """Run as its container runs it, a refused token gives 77, one line that says so, and no trace."""
    given = tmp_path / "inputs.json"
    given.write_text('[{"name": "repository", "value": "example/docs"}]')
    command = [sys.executable, "-m", "hera.workflows.runner", "-e", "steps.fetch.step:fetch", str(given)]
    token = "bad-token-for-nobody"  # noqa: S105 - not a secret
    environment = os.environ | {"GITHUB_TOKEN": token, "hera__outputs_directory": str(tmp_path)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == AccessRefused.exit_code
    assert "refuses the token" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert token not in ended.stdout + ended.stderr
