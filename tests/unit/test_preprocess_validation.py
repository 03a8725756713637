"""What makes a document a pull request, and what is said about the others."""

from datetime import UTC, datetime
from typing import Any

import bson
import pyarrow as pa
import pytest
from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from steps.preprocess.validation import validate
from steps.scoring.vectors import PULL_SCHEMA

MISSING = object()


def document(**changes: Any) -> dict[str, Any]:
    """A usable document, with some fields changed or left out."""
    day = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    usable = {
        "_id": "owner/name#7",
        "number": 7,
        "title": "Fix the roof",
        "body": "It rains in.",
        "user": {"login": "somebody", "type": "User", "id": 4242},
        "author_association": "MEMBER",
        "state": "closed",
        "draft": False,
        "created_at": day,
        "updated_at": day,
        "closed_at": day,
        "merged_at": None,
        "additions": 3,
        "deletions": 2,
        "changed_files": 1,
        "commits": 1,
        "labels": [{"name": "bug"}],
        "assignees": [],
        "base": {"ref": "main", "repo": {"full_name": "owner/name"}},
        "head": {"ref": "roof"},
        "cross_repository": False,
        "files": [{"filename": "roof.py", "status": "modified", "additions": 3, "deletions": 2}],
        "html_url": "https://github.com/owner/name/pull/7",
        "fetched_at": day,
    }
    return {key: value for key, value in (usable | changes).items() if value is not MISSING}


def row(**changes: Any) -> dict[str, Any]:
    result = validate(bson.encode(document(**changes)))
    assert result.reasons == []
    assert result.row is not None
    return result.row


def test_a_usable_document_is_a_row_of_the_schema() -> None:
    """Each column comes from the field that GitHub has it in."""
    assert row() == {
        "id": "owner/name#7",
        "repository": "owner/name",
        "number": 7,
        "title": "Fix the roof",
        "body": "It rains in.",
        "author": "somebody",
        "created_at": datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
        "additions": 3,
        "deletions": 2,
        "changed_files": 1,
        "commits": 1,
        "author_id": 4242,
        "author_type": "User",
        "head_ref": "roof",
        "cross_repository": False,
        "merged_at": None,
        "files": [{"path": "roof.py", "additions": 3, "deletions": 2, "status": "M"}],
    }
    assert list(row()) == PULL_SCHEMA.names


def test_rows_fit_the_schema_with_and_without_what_is_optional() -> None:
    """Arrow takes them, and gives the same back."""
    rows = [row(), row(files=None, head=None, cross_repository=None, user={"login": "somebody"})]
    assert pa.Table.from_pylist(rows, PULL_SCHEMA).to_pylist() == rows


def test_a_document_of_an_earlier_version_is_a_row_with_less_known() -> None:
    """What fetch did not store then counts as not known."""
    earlier = row(user={"login": "somebody", "type": "User"}, head=MISSING, cross_repository=MISSING, files=MISSING)
    unknown = {"author_id": None, "head_ref": None, "cross_repository": None, "files": None}
    assert earlier == row() | unknown


def test_when_it_was_fetched_changes_nothing() -> None:
    """The time of fetching is not part of a row."""
    assert row(fetched_at=datetime(2030, 1, 1, tzinfo=UTC)) == row(fetched_at=MISSING) == row()


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"user": None}, "author", "ghost"),
        ({"body": None}, "body", ""),
        ({"body": MISSING}, "body", ""),
        ({"title": "🚀 שלום עולם \u202etxt"}, "title", "🚀 שלום עולם \u202etxt"),
        ({"title": ""}, "title", ""),
        ({"additions": Int64(5)}, "additions", 5),
        ({"additions": 2**31 - 1}, "additions", 2**31 - 1),
        ({"additions": 0}, "additions", 0),
        ({"user": {"login": "ghost", "type": "User", "id": 10137}}, "author_id", None),
        ({"user": {"login": "somebody", "id": "7"}}, "author_id", None),
        ({"user": {"login": "bump[bot]", "type": "Bot"}}, "author_type", "Bot"),
        ({"merged_at": datetime(2026, 5, 5, tzinfo=UTC)}, "merged_at", datetime(2026, 5, 5, tzinfo=UTC)),
        ({"head": MISSING}, "head_ref", None),
        ({"head": 5}, "head_ref", None),
        ({"head": {"ref": 5}}, "head_ref", None),
        ({"cross_repository": MISSING}, "cross_repository", None),
        ({"cross_repository": "no"}, "cross_repository", None),
        ({"files": MISSING}, "files", None),
        ({"files": None}, "files", None),
        ({"files": []}, "files", None),
        ({"files": [], "changed_files": 0}, "files", []),
        ({"files": "roof.py"}, "files", None),
        ({"files": [{"filename": "roof.py"}]}, "files", None),
        ({"files": [b"roof.py"]}, "files", None),
    ],
)
def test_what_is_odd_but_usable_is_kept(changes: dict[str, Any], column: str, value: object) -> None:
    """Gone authors, empty texts, emoji, right-to-left text and the largest counts are ordinary life."""
    assert row(**changes)[column] == value


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"additions": float("nan")}, "additions"),
        ({"additions": 1.0}, "additions"),
        ({"additions": -1}, "additions"),
        ({"deletions": Int64(2**63 - 1)}, "deletions"),
        ({"changed_files": 2.0**63}, "changed_files"),
        ({"commits": "3"}, "commits"),
        ({"commits": True}, "commits"),
        ({"additions": Decimal128("3")}, "additions"),
        ({"additions": None}, "additions"),
        ({"additions": MISSING}, "additions"),
        ({"title": "x" * 1_000_000}, "title"),
        ({"title": None}, "title"),
        ({"title": b"bytes"}, "title"),
        ({"body": "x" * 1_000_000}, "body"),
        ({"user": MISSING}, "user"),
        ({"user": "somebody"}, "user"),
        ({"user": {"login": ""}}, "user.login"),
        ({"created_at": MISSING}, "created_at"),
        ({"created_at": 1_700_000_000}, "created_at"),
        ({"created_at": DatetimeMS(2**60)}, "created_at"),
        ({"base": MISSING}, "base"),
        ({"base": {"ref": "main", "repo": {"full_name": "no-owner"}}}, "base.repo.full_name"),
        ({"base": {"ref": "main", "repo": {"full_name": "other/name"}}}, "_id"),
        ({"number": 8}, "_id"),
        ({"number": 0}, "number"),
        ({"_id": "owner/name#07"}, "_id"),
    ],
)
def test_what_is_unusable_is_named(changes: dict[str, Any], field: str) -> None:
    """A document that can't be a pull request has no row, and the reason begins with its field."""
    result = validate(bson.encode(document(**changes)))
    assert result.row is None
    assert [reason.partition(":")[0] for reason in result.reasons] == [field]


def test_all_reasons_are_given() -> None:
    """Everything that is wrong is said at once."""
    result = validate(bson.encode({"_id": "owner/name#7", "number": ObjectId()}))
    assert len(result.reasons) > 5


def test_a_reason_repeats_nothing_of_the_document() -> None:
    """What stood in a field may be anything, and has no place in logs."""
    result = validate(bson.encode(document(additions="hunter2", state="hunter2")))
    assert "hunter2" not in " ".join(result.reasons)


def test_broken_text_is_marked_and_kept() -> None:
    """A byte that is not UTF-8 becomes the mark for it."""
    broken = bson.encode(document(title="caf_")).replace(b"caf_", b"caf\xe9")
    result = validate(broken)
    assert result.row is not None
    assert result.row["title"] == "caf\ufffd"
