"""Repositories of the fake GitHub from record files, instead of generated ones.

A file `OWNER__REPO.jsonl.gz` holds a pull request a line, in the names of GitHub's REST interface. One of the same name
in another folder may hold the changed files: `{"number": 7, "files": [["docs/index.md", 2, 1, "M"]]}`, with the lines
added and deleted (null for binary files), and the kind of change as Git's letter.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samples.files import File
from samples.records import Pull, SampleRepository

SUFFIX = ".jsonl.gz"
BOT_MARK = "[bot]"


def load_repositories(pulls: Path, files: Path | None = None) -> dict[str, SampleRepository]:
    """Return every repository that has a file of pull requests, by its full name; without `files` none are known."""
    found = {}
    for path in sorted(pulls.glob(f"*__*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX).replace("__", "/", 1)
        changed = files / path.name if files else None
        known = {line["number"]: _files(line) for line in _read(changed)} if changed and changed.is_file() else {}
        found[name] = SampleRepository(name, {record["number"]: _pull(record, name, known) for record in _read(path)})
    return found


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def _files(line: dict[str, Any]) -> tuple[File, ...]:
    return tuple(File(path, added or 0, deleted or 0, status) for path, added, deleted, status in line["files"])


def _pull(record: dict[str, Any], name: str, files: Mapping[int, tuple[File, ...]]) -> Pull:
    user, head = record.get("user") or {}, record.get("head") or {}
    login, bot = user.get("login"), user.get("type") == "Bot"
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
        account=user.get("id"),
        head=head.get("ref") or f"change-{record['number']}",
        fork=_owner(head) != name.partition("/")[0].lower(),
        files=files.get(record["number"], ()),
        lock_reason=record.get("active_lock_reason") or (record.get("_label") or {}).get("lock_reason"),
    )


def _owner(head: dict[str, Any]) -> str:
    """Whose the branch is; nobody's where its repository is gone or the record does not tell."""
    repository = (head.get("repo") or {}).get("full_name") or head.get("label") or ""
    return str(repository).replace(":", "/").partition("/")[0].lower()
