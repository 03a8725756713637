"""The fake GitHub serves record files as it serves what it generates."""

import gzip
import json
from pathlib import Path

from samples import rest
from samples.drafts import END
from samples.generate import repositories
from samples.recorded import load_repositories

DOCS = "example/docs"


def test_recorded_pull_requests_are_served_as_they_were(tmp_path: Path) -> None:
    """Every pull request of a repository: written as REST gives it, and read again."""
    docs = repositories()[DOCS]
    now = f"{END:%Y-%m-%dT%H:%M:%SZ}"
    entries = [entry.pull for entry in docs.at(now) if entry.pull]
    lines = "".join(f"{json.dumps(rest.single(pull, docs, 'https://api.example'))}\n" for pull in entries)
    (tmp_path / "example__docs.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    loaded = load_repositories(tmp_path)
    assert loaded.keys() == {DOCS}
    assert loaded[DOCS].pulls == docs.pulls
