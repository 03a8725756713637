"""Repositories of the fake GitHub from record files, instead of generated ones.

A file `OWNER__REPO.jsonl.gz` holds a pull request a line, in the names of GitHub's REST interface.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samples.records import Pull, Repository

SUFFIX = ".jsonl.gz"
BOT_MARK = "[bot]"


def load_repositories(pulls: Path) -> dict[str, Repository]:
    """Return every repository that has a file, by its full name."""
    found = {}
    for path in sorted(pulls.glob(f"*__*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX).replace("__", "/", 1)
        found[name] = Repository(name, {pull.number: pull for pull in map(_pull, _read(path))})
    return found


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def _pull(record: dict[str, Any]) -> Pull:
    user = record.get("user") or {}
    login = user.get("login")
    bot = user.get("type") == "Bot"
    return Pull(
        number=record["number"],
        title=record["title"],
        body=record.get("body") or "",
        author=login.removesuffix(BOT_MARK) if bot and login else login,
        bot=bot,
        association=record.get("author_association") or "NONE",
        draft=bool(record.get("draft")),
        created_at=record["created_at"],
        updated_at=record.get("updated_at") or record["created_at"],
        closed_at=record.get("closed_at"),
        merged_at=record.get("merged_at"),
        additions=record["additions"],
        deletions=record["deletions"],
        changed_files=record["changed_files"],
        commits=record["commits"],
        labels=tuple(label["name"] for label in record.get("labels") or ()),
        assignees=tuple(person["login"] for person in record.get("assignees") or ()),
        base=(record.get("base") or {}).get("ref") or "main",
    )
