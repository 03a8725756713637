"""The pull requests that are sent to both sides: recent ones, and anomalies planted into them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from rollouts.checks.load.pulls import pull_requests
from steps.common import mongo
from steps.common.changed_files import from_rows
from steps.common.pull_request import PullRequest
from steps.common.settings import MongoSettings, load
from steps.preprocess.anomalies import KINDS
from steps.preprocess.injection import Past, Text
from steps.scoring.row import as_row

NEWEST = 600
OF_A_KIND = 12
SEED = 11
PLANTED = 2_000_000_000
"""Numbers of planted pull requests begin here, so that nobody takes them for real ones."""

Raw = dict[str, Any]


def pulls(source: str) -> list[Raw]:
    """Recent ones as GitHub's REST interface has them: of `mongo`, the made-up `samples`, or a file of JSON lines.

    Raises:
        SentinelError: MongoDB can't be read.
        OSError, ValueError: the file can't be read, or has none.
    """
    if source == "samples":
        return pull_requests(None)
    return _stored() if source == "mongo" else pull_requests(Path(source))


def _stored() -> list[Raw]:
    with mongo.database(load(MongoSettings)) as database:
        found = database.pull_requests.find({}, {"_id": 0, "fetched_at": 0}).sort("created_at", -1).limit(NEWEST)
        return [{key: _written(value) for key, value in document.items()} for document in found]


def _written(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value


def planted(given: Sequence[Raw]) -> list[Raw]:
    """Some of them with an anomaly of each kind in turn, under numbers of their own."""
    rows = [as_row(PullRequest.model_validate(pull)) for pull in given]
    return [
        _raw(pull, changed) | {"number": PLANTED + number}
        for number, (pull, changed) in enumerate(_planted(given, rows))
    ]


def _planted(given: Sequence[Raw], rows: Sequence[Raw]) -> Iterator[tuple[Raw, Raw]]:
    random, pasts = Random(SEED), _pasts(rows)  # noqa: S311 - the same ones each time
    for kind in KINDS:
        count = 0
        for pull, row in random.sample([*zip(given, rows, strict=True)], len(rows)):
            company = kind(row, pasts[row["repository"]], random)
            if company is not None and count < OF_A_KIND:
                count += 1
                yield pull, company[-1]


def _pasts(rows: Sequence[Raw]) -> dict[str, Past]:
    """What the kinds need to know of each repository."""
    names = sorted({row["repository"] for row in rows})
    texts = [Text(row["repository"], row["title"], row["body"]) for row in rows]
    pasts = {name: Past([text for text in texts if text.repository != name]) for name in names}
    for row in sorted(rows, key=lambda row: row["created_at"]):
        pasts[row["repository"]].update(row)
    return pasts


def _raw(pull: Raw, row: Raw) -> Raw:
    """Back to GitHub's form; what no story changes stays."""
    changed = {key: row[key] for key in ("title", "body", "additions", "deletions", "changed_files", "commits")}
    known = {"cross_repository": row["cross_repository"], "head": row["head_ref"] and {"ref": row["head_ref"]}}
    user = {"login": row["author"], "type": row["author_type"], "id": row["author_id"]}
    times = {"created_at": _written(row["created_at"]), "merged_at": _written(row["merged_at"])}
    return pull | changed | known | times | {"user": user, "files": from_rows(row["files"])}
