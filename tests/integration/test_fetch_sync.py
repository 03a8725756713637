"""Fetching from the stand-in into an embedded MongoDB, without anything going wrong."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from samples.generate import generate_repositories
from steps.common.errors import Unavailable
from steps.common.pull_request import PullRequest
from steps.fetch import github as adapter
from steps.fetch.sync import synchronise
from tests.support.github import StandIn

Mongo = Database[dict[str, Any]]
DOCS = "example/docs"


def moment(*, seconds_ago: float) -> str:
    return f"{datetime.now(UTC) - timedelta(seconds=seconds_ago):%Y-%m-%dT%H:%M:%SZ}"


def test_a_backfill_keeps_every_pull_request_in_the_names_of_rest(github: StandIn, database: Mongo) -> None:
    """A hundred at a request, each a valid pull request with the figures that GitHub has."""
    result = synchronise(DOCS)
    assert (result["fetched"], result["updated"], result["quarantined"], result["requests"]) == (400, 0, 0, 4)
    origin = generate_repositories()[DOCS].pulls[17]
    kept = database.pull_requests.find_one({"_id": f"{DOCS}#17"})
    assert kept is not None
    assert PullRequest.model_validate(kept).id == f"{DOCS}#17"
    assert kept["title"] == origin.title
    assert kept["additions"] == origin.additions
    assert kept["commits"] == origin.commits
    assert kept["user"]["login"].removesuffix("[bot]") == origin.author
    assert kept["base"]["repo"]["full_name"] == DOCS
    assert kept["html_url"].endswith("/example/docs/pull/17")
    assert kept["created_at"] == datetime.fromisoformat(origin.created_at)


def test_a_run_with_nothing_new_costs_one_request(github: StandIn, database: Mongo) -> None:
    """The second run asks once and changes nothing, but still tells how far the repository is read."""
    first = synchronise(DOCS)
    before = list(database.pull_requests.find())
    second = synchronise(DOCS)
    counts = {"fetched": 0, "updated": 0, "quarantined": 0, "missing": 0, "requests": 1}
    assert second == counts | {"watermark": first["watermark"]}
    assert list(database.pull_requests.find()) == before


def test_a_later_run_reads_only_what_was_updated_since(github: StandIn, database: Mongo) -> None:
    """With the clock moved on, new ones are added and changed ones replaced, and the result is that of one backfill."""
    github.control(now=generate_repositories()[DOCS].pulls[380].created_at)
    first = synchronise(DOCS)
    github.control(now="2026-09-01T00:00:00Z")
    second = synchronise(DOCS)
    assert second["requests"] == 1
    assert first["fetched"] + second["fetched"] == 400
    assert second["updated"] > 0
    assert second["watermark"] > first["watermark"]
    grown = {document["_id"]: document for document in database.pull_requests.find({}, {"fetched_at": 0})}
    database.pull_requests.delete_many({})
    database.sync.delete_many({})
    synchronise(DOCS)
    assert {document["_id"]: document for document in database.pull_requests.find({}, {"fetched_at": 0})} == grown


def test_reading_all_again_counts_nothing_as_updated(github: StandIn, database: Mongo) -> None:
    """Without its cursor a repository is read from the beginning, and documents that are the same stay as they are."""
    synchronise(DOCS)
    before = list(database.pull_requests.find())
    database.sync.delete_many({})
    result = synchronise(DOCS)
    assert (result["fetched"], result["updated"], result["requests"]) == (0, 0, 4)
    assert list(database.pull_requests.find()) == before


@pytest.fixture
def earlier(github: StandIn, database: Mongo) -> Mongo:
    """A database that was fetched before documents had heads, files and accounts."""
    synchronise(DOCS)
    gone = dict.fromkeys(["head", "cross_repository", "files", "user.id"], "")
    database.pull_requests.update_many({}, {"$unset": gone})
    database.sync.update_one({"_id": DOCS}, {"$unset": {"version": ""}})
    return database


def test_documents_that_lack_fields_are_fetched_again(
    earlier: Mongo, github: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """The first run after an upgrade brings what is missing, says so, and the next one has nothing to do."""
    with caplog.at_level(logging.INFO, "steps"):
        result = synchronise(DOCS)
    assert (result["fetched"], result["updated"], result["requests"]) == (0, 400, 4)
    assert "documents lack fields, reading the repository again" in caplog.messages
    assert [vars(line)["done"] for line in caplog.records if line.message == "page stored"] == [100, 200, 300, 400]
    kept = earlier.pull_requests.find_one({"_id": f"{DOCS}#17"})
    origin = generate_repositories()[DOCS].pulls[17]
    assert kept is not None
    assert [file["filename"] for file in kept["files"]] == [file.path for file in origin.files]
    assert (kept["head"], kept["user"]["id"]) == ({"ref": origin.head}, origin.account)
    assert synchronise(DOCS)["requests"] == 1


def test_an_upgrade_that_was_stopped_goes_on_where_it_was(
    earlier: Mongo, github: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages that were read again are not read a third time."""
    monkeypatch.setattr(adapter, "ATTEMPTS", 1)
    github.control(next=["pass", "pass", "503"])
    with pytest.raises(Unavailable):
        synchronise(DOCS)
    assert earlier.pull_requests.count_documents({"files": {"$exists": True}}) == 200
    result = synchronise(DOCS)
    assert (result["updated"], result["requests"]) == (200, 2)
    assert earlier.pull_requests.count_documents({"files": {"$exists": True}}) == 400


def test_a_hundred_pull_requests_with_their_files_cost_three_points(github: StandIn, database: Mongo) -> None:
    """By GitHub's formula: a connection for each of assignees, labels and files; the files are one of the three."""
    synchronise(DOCS)
    assert github.stats()["points"] == 3 * 4


def test_an_edit_is_counted_as_updated(github: StandIn, database: Mongo) -> None:
    """A pull request with a new title takes the place of the old one."""
    synchronise(DOCS)
    github.control(change={f"{DOCS}#9": {"title": "Another title", "updated_at": moment(seconds_ago=3600)}})
    result = synchronise(DOCS)
    assert (result["fetched"], result["updated"], result["requests"]) == (0, 1, 1)
    assert database.pull_requests.find_one({"_id": f"{DOCS}#9"}, {"title": 1, "_id": 0}) == {"title": "Another title"}


def test_an_update_in_the_second_of_the_last_one_is_not_missed(github: StandIn, database: Mongo) -> None:
    """What was updated just now is read again, so one that sorts before it in the same second is found."""
    now = moment(seconds_ago=5)
    github.control(change={f"{DOCS}#9": {"updated_at": now}})
    synchronise(DOCS)
    github.control(change={f"{DOCS}#8": {"updated_at": now}})
    assert synchronise(DOCS)["updated"] == 1


def test_a_cursor_that_github_refuses_starts_it_from_the_beginning(github: StandIn, database: Mongo) -> None:
    """A cursor of another time or server costs requests, not data."""
    synchronise(DOCS)
    database.sync.update_one({"_id": DOCS}, {"$set": {"cursor": "of another time"}})
    assert synchronise(DOCS)["requests"] == 1 + 4
    assert synchronise(DOCS)["requests"] == 1


def test_an_empty_repository_is_no_error(github: StandIn, database: Mongo) -> None:
    """There is nothing to fetch and no watermark."""
    expected = {"fetched": 0, "updated": 0, "quarantined": 0, "missing": 0, "requests": 1, "watermark": ""}
    assert synchronise("example/empty") == expected


def test_what_cannot_be_a_pull_request_is_put_aside_and_the_rest_of_its_page_kept(
    github: StandIn, database: Mongo
) -> None:
    """A title of a megabyte, a negative count and nothing at all go to quarantine with their reasons, once."""
    spoilt = {f"{DOCS}#3": {"title": "x" * 1_000_000}, f"{DOCS}#4": {"additions": -1}, f"{DOCS}#5": None}
    github.control(change=spoilt)
    result = synchronise(DOCS)
    assert (result["fetched"], result["quarantined"]) == (397, 3)
    database.sync.delete_many({})
    synchronise(DOCS)
    aside = {document["_id"]: document for document in database.quarantine.find()}
    assert len(aside) == 3
    assert aside[f"fetch:{DOCS}#3"]["reasons"][0].startswith("title: ")
    assert aside[f"fetch:{DOCS}#4"]["reasons"][0].startswith("additions: ")
    assert {document["step"] for document in aside.values()} == {"fetch"}


def test_a_mended_pull_request_leaves_quarantine(github: StandIn, database: Mongo) -> None:
    """Once GitHub gives a usable one, it is kept and no longer counted as bad."""
    github.control(change={f"{DOCS}#4": {"additions": -1}})
    synchronise(DOCS)
    github.control(change={f"{DOCS}#4": {"updated_at": moment(seconds_ago=3600)}})
    assert synchronise(DOCS)["fetched"] == 1
    assert database.quarantine.count_documents({}) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"author": None},
        {"body": ""},
        {"title": "🎉🎉 " * 60},
        {"title": "עברית مرحبا", "body": "\u202etxt.exe"},
        {"additions": 2**31 - 1},
    ],
)
def test_what_is_only_unusual_is_kept(github: StandIn, database: Mongo, fields: dict[str, Any]) -> None:
    """No author, no body, emoji, right-to-left text and large counts are pull requests all the same."""
    github.control(change={"example/tiny#2": fields})
    assert synchronise("example/tiny")["fetched"] == 10
    kept = database.pull_requests.find_one({"_id": "example/tiny#2"})
    assert kept is not None
    assert all(kept[key] == value for key, value in fields.items() if key != "author")
    if "author" in fields:
        assert kept["user"]["login"] == "ghost"
