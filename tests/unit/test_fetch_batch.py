"""How far a page lets the cursor and the watermark move."""

from datetime import UTC, datetime, timedelta
from typing import Any

from steps.fetch.batch import SETTLED_AFTER, Progress, build_batch
from steps.fetch.queries import RepositoryPage

ASKED = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE = Progress("before", ASKED - timedelta(days=3))


def page(*ages: timedelta | None) -> RepositoryPage:
    """A page of pull requests last updated so long before it was asked for; None is one that can't be used."""
    edges: list[dict[str, Any]] = []
    for number, age in enumerate(ages, 1):
        updated_at = (ASKED - age).isoformat() if age is not None else None
        created_at = "2025-01-01T00:00:00Z" if age is not None else None
        node = {
            "number": number,
            "title": "t",
            "state": "OPEN",
            "createdAt": created_at,
            "updatedAt": updated_at,
            **{"isDraft": False, "authorAssociation": "NONE", "baseRefName": "main", "commits": {"totalCount": 1}},
            **{"additions": 1, "deletions": 1, "changedFiles": 1, "url": "", "author": None},
        }
        edges.append({"cursor": f"c{number}", "node": node})
    page_info = {"hasNextPage": False, "endCursor": None}
    connection = {"totalCount": len(edges), "pageInfo": page_info, "edges": edges}
    return RepositoryPage.model_validate({"nameWithOwner": "a/b", "pullRequests": connection})


def progress(*ages: timedelta | None, before: Progress = BEFORE) -> Progress:
    return build_batch(page(*ages), before, ASKED, ASKED).progress


def test_the_cursor_moves_behind_the_last_one_that_has_rested() -> None:
    """One updated exactly a minute before has rested; those after it wait for the next run."""
    recent = SETTLED_AFTER - timedelta(seconds=1)
    assert progress(timedelta(days=1), SETTLED_AFTER, recent, recent).cursor == "c2"
    assert progress(recent).cursor == "before"
    assert progress(timedelta(seconds=-5)).cursor == "before"


def test_the_watermark_is_the_newest_update_seen_and_never_goes_back() -> None:
    """Also where the cursor stays, and where a repository is read again from the beginning."""
    recent = timedelta(seconds=1)
    assert progress(timedelta(days=1), recent).watermark == ASKED - recent
    assert progress(timedelta(days=9)).watermark == BEFORE.watermark
    assert progress(timedelta(days=9), before=Progress()).watermark == ASKED - timedelta(days=9)


def test_an_unusable_one_moves_the_cursor_like_its_neighbours() -> None:
    """It doesn't hold up the others for ever, and doesn't open a way past one that has not rested."""
    old, recent = timedelta(days=1), timedelta(seconds=1)
    assert progress(old, None).cursor == "c2"
    assert progress(None).cursor == "c1"
    assert progress(old, recent, None).cursor == "c1"


def test_a_page_is_split_into_documents_and_what_is_put_aside() -> None:
    """Nothing of it is lost."""
    batch = build_batch(page(timedelta(days=1), None, timedelta(days=1)), BEFORE, ASKED, ASKED)
    assert list(batch.documents) == ["a/b#1", "a/b#3"]
    assert [item.source_id for item in batch.unusable] == ["a/b#2"]


def test_an_empty_page_changes_nothing() -> None:
    """There was nothing new."""
    assert progress() == BEFORE
