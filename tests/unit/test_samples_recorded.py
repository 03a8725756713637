"""The fake GitHub serves record files as it serves what it generates."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from samples import rest
from samples.drafts import END
from samples.generate import generate_repositories
from samples.recorded import load_repositories

DOCS = "example/docs"


def test_recorded_pull_requests_are_served_as_they_were(tmp_path: Path) -> None:
    """Every pull request of a repository: written as REST gives it, and read again."""
    docs = generate_repositories()[DOCS]
    now = f"{END:%Y-%m-%dT%H:%M:%SZ}"
    pulls = [entry.pull for entry in docs.at(now) if entry.pull]
    write(tmp_path / "pulls", (rest.format_pull_request(pull, docs, "https://api.example") for pull in pulls))
    write(tmp_path / "files", ({"number": pull.number, "files": pull.files} for pull in pulls))
    loaded = load_repositories(tmp_path / "pulls", tmp_path / "files")
    assert loaded.keys() == {DOCS}
    assert loaded[DOCS].pulls == docs.pulls


def test_what_a_record_does_not_tell_is_not_known(tmp_path: Path) -> None:
    """Its author, the account, the branch; without files none are listed."""
    counts = dict.fromkeys(("additions", "deletions", "changed_files", "commits"), 1)
    record = {"number": 3, "title": "Fix", "user": None, "created_at": "2026-01-01T00:00:00Z"}
    write(tmp_path, [{**record, **counts}])
    (pull,) = load_repositories(tmp_path)[DOCS].pulls.values()
    assert (pull.author, pull.account, pull.head, pull.fork, pull.files) == (None, None, "change-3", True, ())
    assert (pull.updated_at, pull.base, pull.body) == (record["created_at"], "main", "")


def write(folder: Path, records: Iterable[Any]) -> None:
    """Write records, one a line."""
    folder.mkdir(exist_ok=True)
    lines = "".join(f"{json.dumps(record)}\n" for record in records)
    (folder / "example__docs.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
