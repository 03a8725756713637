"""What people said about alerts is there for whoever asks: the page, and the reports of this machine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pymongo.database import Database

from local.documents import summarise_votes
from local.report.findings import UnusualPullRequest, mark_muted
from steps.serve.app import create_app

REPOSITORY = "owner/name"
NOTHING = {"repository": REPOSITORY, "voted": 0, "useful": 0}


@pytest.fixture
def voted(settings: pytest.MonkeyPatch, database: Database[dict[str, Any]], mongo_uri: str) -> Iterator[TestClient]:
    """A service whose database holds the votes on thirty alerts: the oldest ones were useless."""
    settings.setenv("MONGO_URI", mongo_uri)
    settings.setenv("MONGO_DB", database.name)
    now = datetime.now(UTC)
    database.feedback.insert_many(
        {
            "_id": f"{REPOSITORY}#{place}",
            "repository": REPOSITORY,
            "number": place,
            "announced_at": now + timedelta(minutes=place),
            "kinds": ["burst"] if place < 8 else ["dump"],
            "verdict": [None, "useless"][place % 2] if place < 16 else "useful",
        }
        for place in range(30)
    )
    with TestClient(create_app()) as client:
        yield client


def test_the_latest_votes_are_counted(voted: TestClient) -> None:
    """Of twenty alerts that people voted on, for one repository."""
    answer = voted.get("/feedback", params={"repository": REPOSITORY})
    assert (answer.status_code, answer.json()) == (200, {"repository": REPOSITORY, "voted": 20, "useful": 14})
    assert voted.get("/feedback", params={"repository": "some/stranger"}).json()["voted"] == 0
    assert voted.get("/feedback").status_code == 422


def test_without_mongodb_there_are_none(client: TestClient) -> None:
    """The page shows nothing then."""
    assert client.get("/feedback", params={"repository": REPOSITORY}).json() == NOTHING


def test_while_mongodb_is_away_there_are_none(settings: pytest.MonkeyPatch) -> None:
    """Nor an error."""
    settings.setenv("MONGO_URI", "mongodb://127.0.0.1:1")
    with TestClient(create_app()) as client:
        assert client.get("/feedback", params={"repository": REPOSITORY}).json() == NOTHING


def test_a_report_states_precision_and_suggests_mutes(
    voted: TestClient, database: Database[dict[str, Any]], mongo_uri: str
) -> None:
    """With an interval, and the line to write."""
    places = {"MONGO_URI": mongo_uri, "MONGO_DB": database.name}
    assert summarise_votes("some/stranger", places) == []
    assert summarise_votes(REPOSITORY, places) == [
        "Of the last 20 alerts that people voted on, 14 were called useful: 70 % (52 to 84 %)."
    ]
    database.feedback.update_many({"kinds": "burst"}, {"$set": {"verdict": "useless"}})
    assert summarise_votes(REPOSITORY, places)[1:] == [
        "8 of 8 alerts by `burst` were called useless; mute it with `mute: {reasons: [burst]}` in "
        ".github/pr-sentinel.yml."
    ]


def test_a_report_marks_what_the_rules_mute(database: Database[dict[str, Any]], mongo_uri: str) -> None:
    """By the file that the service has read last; the order stays."""
    rules = b"mute: {authors: [octocat], reasons: [dump, burst]}\n"
    database.policies.insert_one({"_id": REPOSITORY, "content": rules})
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for number, login in ((1, "Octocat"), (2, "somebody"), (3, "somebody")):
        counts = dict.fromkeys(("additions", "deletions", "changed_files", "commits"), 1)
        database.pull_requests.insert_one(
            {"_id": f"{REPOSITORY}#{number}", "number": number, "title": "x", "user": {"login": login}, "state": "open"}
            | {"created_at": moment, "updated_at": moment, "base": {"ref": "main", "repo": {"full_name": REPOSITORY}}}
            | counts
        )
    kinds = {1: ["deletion"], 2: ["dump", "burst"], 3: ["dump", "deletion"], 4: ["deletion"]}
    given = [
        UnusualPullRequest.model_validate(
            {"id": f"{REPOSITORY}#{number}", "repository": REPOSITORY, "number": number, "created_at": "2026-01-01"}
            | {"score": 9.0, "level": "high", "reasons": ["x"], "percentile": 99.0, "kinds": kinds[number]}
        )
        for number in (3, 1, 4, 2)
    ]
    found = mark_muted(given, {"MONGO_URI": mongo_uri, "MONGO_DB": database.name})
    assert [(one.number, one.muted) for one in found] == [(3, ""), (1, "authors"), (4, ""), (2, "reasons")]
