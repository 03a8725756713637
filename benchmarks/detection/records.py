"""Record files of pull requests: which repositories there are, what became of each, and pull requests to inject."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

SUFFIXES = (".jsonl.gz", ".jsonl")

Raw = dict[str, Any]


class BadRecords(Exception):
    """Record files that cannot be used; the message names the file, the line and the fault."""


class Labels(NamedTuple):
    """What became of a pull request, used for judging only; None where it is not known."""

    spam: bool | None
    reverted: bool | None


@dataclass(frozen=True)
class Injected:
    """A pull request to judge as if it had been opened in a repository.

    `raw` has GitHub's REST names; those of one `group` see the earlier ones of it; `expects` is a regular expression
    that a first reason has to match to name what was injected.
    """

    raw: Raw
    kind: str
    repository: str
    group: str | None = None
    expects: str | None = None

    @property
    def created_at(self) -> datetime:
        """When it is to have been opened."""
        return datetime.fromisoformat(self.raw["created_at"])


def find_repositories(folder: Path, wanted: Sequence[str] = ()) -> dict[str, Path]:
    """Return the file of each repository, `OWNER__REPO.jsonl.gz` or `.jsonl`, by `owner/name`; only those wanted.

    Raises:
        BadRecords: a wanted repository, or any at all, has no file.
    """
    found = {
        path.name.removesuffix(suffix).replace("__", "/", 1): path
        for suffix in SUFFIXES
        for path in sorted(folder.glob(f"*__*{suffix}"))
    }
    by_lower = {name.lower(): name for name in found}
    if missing := [name for name in wanted if name.lower() not in by_lower]:
        raise BadRecords(f"{folder} has no records of {', '.join(missing)}")
    chosen = [by_lower[name.lower()] for name in wanted] or sorted(found)
    if not chosen:
        raise BadRecords(f"{folder} has no files OWNER__REPO.jsonl.gz")
    return {name: found[name] for name in chosen}


def read_lines(path: Path) -> Iterator[Raw]:
    """Read JSON lines, compressed or not.

    Raises:
        BadRecords: a line is not a JSON object; the message names file and line.
    """
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for place, line in enumerate(lines, 1):
            if line.strip():
                try:
                    record = json.loads(line)
                except ValueError as error:
                    raise BadRecords(f"{path}:{place}: {error}") from None
                if not isinstance(record, dict):
                    raise BadRecords(f"{path}:{place}: not a JSON object")
                yield record


def read_labels(files: Mapping[str, Path]) -> dict[tuple[str, int], Labels]:
    """Read what became of every pull request, by repository and number."""
    found = {}
    for name, path in files.items():
        for record in read_lines(path):
            label = record.get("_label") or {}
            found[name, int(record["number"])] = Labels(label.get("spam"), label.get("reverted"))
    return found


def read_injected(path: Path, repositories: Sequence[str]) -> list[Injected]:
    """Read the pull requests to inject, in the order of their opening; those into other repositories are left out.

    Raises:
        BadRecords: a line lacks `_kind`, `_into` or a `created_at` with its zone.
    """
    spelling = {name.lower(): name for name in repositories}
    found = []
    for place, record in enumerate(read_lines(path), 1):
        if missing := [name for name in ("_kind", "_into", "created_at") if not record.get(name)]:
            raise BadRecords(f"{path}:{place}: {', '.join(missing)} is missing")
        _check_time(record["created_at"], f"{path}:{place}")
        repository = spelling.get(str(record["_into"]).lower())
        if repository:
            group, expects = (
                None if record.get(name) is None else str(record[name]) for name in ("_group", "_expects")
            )
            raw = _complete(record, repository, place)
            found.append(Injected(raw, str(record["_kind"]), repository, group, expects))
    return sorted(found, key=lambda one: one.created_at)


def _check_time(value: Any, where: str) -> None:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadRecords(f"{where}: created_at is not a date and time") from None
    if time.tzinfo is None:
        raise BadRecords(f"{where}: created_at has no time zone")


def _complete(record: Raw, repository: str, place: int) -> Raw:
    """The record as GitHub would show it right after its opening; what it lacks is as on a new pull request."""
    own = {key: value for key, value in record.items() if not key.startswith("_")}
    base = {"ref": "main", **(own.get("base") or {}), "repo": {"full_name": repository}}
    defaults = {"number": place, "title": "", "body": None, "user": None, "updated_at": own["created_at"]}
    counts = dict.fromkeys(("additions", "deletions", "changed_files"), 0) | {"commits": 1}
    opened = {"state": "open", "closed_at": None, "merged_at": None, "base": base}
    return {**defaults, **counts, **own, **opened}
