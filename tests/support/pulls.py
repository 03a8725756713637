"""Pull requests for tests of the features: rows of PULL_SCHEMA, and the pass over them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa

from steps.common.changed_files import MAX_FILES
from steps.preprocess.injection import Text
from steps.preprocess.rows import featurise
from steps.scoring.vectors import PULL_SCHEMA

START = datetime(2024, 3, 4, 9, tzinfo=UTC)
TEXTS = [Text("other/one", f"Retune the carburettor {n}", "Petrol valves and pistons") for n in range(6)]
AREAS = ("parser", "router", "cache", "docs", "build")


def pull(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One ordinary pull request, with whatever is to be different."""
    row = {
        "repository": "owner/name",
        "number": number,
        "title": f"Fix the {AREAS[number % len(AREAS)]} for case {number % 7}",
        "body": "It failed on empty input; now it does not.",
        "author": f"dev-{number % 9}",
        "created_at": START + timedelta(hours=3 * number),
        "additions": 10 + number % 13,
        "deletions": 3 + number % 5,
        "changed_files": 1 + number % 3,
        "commits": 1 + number % 2,
        "author_id": 1_000 + number % 9,
        "author_type": "User",
        "head_ref": f"case-{number % 7}",
        "cross_repository": number % 3 == 0,
        "merged_at": START + timedelta(hours=3 * number + 20) if number % 5 else None,
    } | changes
    row.setdefault("files", files(row))
    return {"id": f"{row['repository']}#{row['number']}"} | row


def files(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Files that a row's sizes could be of: all lines in the first, the others renamed."""
    area = AREAS[row["number"] % len(AREAS)]
    first = {"additions": row["additions"], "deletions": row["deletions"], "status": "M"}
    other = {"additions": 0, "deletions": 0, "status": "R"}
    count = min(row["changed_files"], MAX_FILES)
    return [{"path": f"src/{area}/part_{n:03}.py"} | (other if n else first) for n in range(count)]


def pulls(count: int, repository: str = "owner/name") -> list[dict[str, Any]]:
    """Many of them, of varying size."""
    random = Random(repository)
    return [
        pull(number, repository=repository, additions=round(random.lognormvariate(3, 1.2)))
        for number in range(1, count + 1)
    ]


def passed(given: Sequence[dict[str, Any]], batch: int = 1000, texts: Sequence[Text] = TEXTS) -> list[dict[str, Any]]:
    """The rows that the pass makes of pull requests, which come in batches of this size."""
    sizes: dict[str, int] = {}
    for one in given:
        sizes[one["repository"]] = sizes.get(one["repository"], 0) + 1
    parts = (
        pa.RecordBatch.from_pylist(list(given[start : start + batch]), schema=PULL_SCHEMA)
        for start in range(0, len(given), batch)
    )
    return [row for rows in featurise(parts, sizes, texts) for row in rows.to_pylist()]
