"""Pull requests of two repositories, as fetch stores them."""

from datetime import UTC, datetime, timedelta
from typing import Any

BUSY, QUIET = "example/busy", "example/quiet"
REPOSITORIES = [BUSY, QUIET]
OPENED = datetime(2025, 1, 1, tzinfo=UTC)
FETCHED = datetime(2026, 6, 1, tzinfo=UTC)


def document(repository: str, number: int, **changes: Any) -> dict[str, Any]:
    """A pull request as fetch stores it; two numbers in a row were opened at the same moment."""
    opened = OPENED + timedelta(hours=5 * (number // 2))
    return {
        "_id": f"{repository}#{number}",
        "number": number,
        "title": f"{('Fix', 'Add', 'Rework')[number % 3]} the {('roof', 'door 🚪')[number % 5 % 2]} {number % 7}",
        "body": None if number % 11 == 0 else f"It was broken since {number}. " * (number % 13),
        "user": None if number % 17 == 0 else {"login": f"author-{number % 9}", "type": "User", "id": 1 + number % 9},
        "author_association": "MEMBER",
        "state": "closed",
        "draft": False,
        "created_at": opened,
        "updated_at": opened,
        "closed_at": opened,
        "merged_at": opened,
        "additions": number * 37 % 501,
        "deletions": number * 11 % 97,
        "changed_files": 1 + number % 8,
        "commits": 1 + number % 3,
        "labels": [],
        "assignees": [],
        "base": {"ref": "main", "repo": {"full_name": repository}},
        **(known(number) if number % 4 else {}),
        "html_url": "",
        "fetched_at": FETCHED,
    } | changes


def known(number: int) -> dict[str, Any]:
    """What documents of an earlier version lack."""
    files = [{"filename": f"src/part_{n}.py", "status": "modified", "additions": n, "deletions": 1} for n in range(3)]
    return {"head": {"ref": f"door-{number}"}, "cross_repository": number % 2 == 0, "files": files}


def documents(busy: int = 320, quiet: int = 80) -> list[dict[str, Any]]:
    """Pull requests of both repositories."""
    return [
        *(document(BUSY, number) for number in range(1, busy + 1)),
        *(document(QUIET, number) for number in range(1, quiet + 1)),
    ]
