"""The pull requests that both sides score: recent ones, and anomalies injected into them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from rollouts.checks.load.pulls import load_pull_requests
from steps.common import mongo
from steps.common.changed_files import from_rows
from steps.common.pull_request import PullRequest
from steps.common.settings import MongoSettings, load
from steps.preprocess.anomalies import KINDS
from steps.preprocess.injection import Past, Text
from steps.scoring.row import as_row

MAX_RECENT = 600
PER_KIND = 12
SEED = 11
FIRST_INJECTED_NUMBER = 2_000_000_000
"""The first number of injected pull requests, out of the range of real ones."""

Raw = dict[str, Any]


def load_pulls(source: str) -> list[Raw]:
    """Load recent pull requests in GitHub's REST form from `mongo`, the synthetic `samples`, or a file of JSON lines.

    Raises:
        SentinelError: MongoDB can't be read.
        OSError, ValueError: the file can't be read, or is empty.
    """
    if source == "samples":
        return load_pull_requests(None)
    return _load_stored() if source == "mongo" else load_pull_requests(Path(source))


def _load_stored() -> list[Raw]:
    with mongo.open_database(load(MongoSettings)) as database:
        found = database.pull_requests.find({}, {"_id": 0, "fetched_at": 0}).sort("created_at", -1).limit(MAX_RECENT)
        return [{key: _format_time(value) for key, value in document.items()} for document in found]


def _format_time(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value


def inject_anomalies(given: Sequence[Raw]) -> list[Raw]:
    """Return copies of some of them with an anomaly of each kind, under numbers of their own."""
    rows = [as_row(PullRequest.model_validate(pull)) for pull in given]
    return [
        _to_raw(pull, changed) | {"number": FIRST_INJECTED_NUMBER + number}
        for number, (pull, changed) in enumerate(_inject(given, rows))
    ]


def _inject(given: Sequence[Raw], rows: Sequence[Raw]) -> Iterator[tuple[Raw, Raw]]:
    random, pasts = Random(SEED), _build_pasts(rows)  # noqa: S311 - the same ones each time
    for kind in KINDS:
        count = 0
        for pull, row in random.sample([*zip(given, rows, strict=True)], len(rows)):
            company = kind(row, pasts[row["repository"]], random)
            if company is not None and count < PER_KIND:
                count += 1
                yield pull, company[-1]


def _build_pasts(rows: Sequence[Raw]) -> dict[str, Past]:
    """Build each repository's past, which the anomalies need."""
    names = sorted({row["repository"] for row in rows})
    texts = [Text(row["repository"], row["title"], row["body"]) for row in rows]
    pasts = {name: Past([text for text in texts if text.repository != name]) for name in names}
    for row in sorted(rows, key=lambda row: row["created_at"]):
        pasts[row["repository"]].update(row)
    return pasts


def _to_raw(pull: Raw, row: Raw) -> Raw:
    """Convert a changed row back to GitHub's form; other fields stay as they are."""
    changed = {key: row[key] for key in ("title", "body", "additions", "deletions", "changed_files", "commits")}
    known = {"cross_repository": row["cross_repository"], "head": row["head_ref"] and {"ref": row["head_ref"]}}
    user = {"login": row["author"], "type": row["author_type"], "id": row["author_id"]}
    times = {"created_at": _format_time(row["created_at"]), "merged_at": _format_time(row["merged_at"])}
    return pull | changed | known | times | {"user": user, "files": from_rows(row["files"])}
