"""What is known of a version: its predictions and alerts in MongoDB, and the times of its answers in Prometheus."""

from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from pymongo.database import Database

from rollouts.checks.compare import Scored, Share, Version
from rollouts.checks.recent import PLANTED
from steps.common.errors import Unavailable
from steps.common.mongo import Document
from steps.scoring.artefact import GOLDEN_REPOSITORY

TOLD = ("announced", "updated")
REMOVED = "removed by a person"
TIMEOUT_SECONDS = 30
REQUESTS = (
    "sum(increase(pr_sentinel_request_seconds_{series}[{days}d]) * on (instance) group_left () "
    'max by (instance) (last_over_time(pr_sentinel_model_info{{version="{version}"}}[{days}d])))'
)


def read(database: Database[Document], version: str, days: int, prometheus: str | None) -> Version:
    """All of one; of a pull request that it scored more than once, what it said last.

    Raises:
        SentinelError: MongoDB or Prometheus can't be read.
    """
    since = datetime.now(UTC) - timedelta(days=days)
    asked = {
        "model.version": version,
        "scored_at": {"$gte": since},
        # What the checks have sent is no user's.
        "repository": {"$ne": GOLDEN_REPOSITORY},
        "number": {"$lt": PLANTED},
    }
    kept = {"id": 1, "score": 1, "unusual": 1, "model.digest": 1}
    found = list(database.predictions.find(asked, kept).sort("scored_at", 1))
    return Version(
        version,
        frozenset(one["model"]["digest"] for one in found),
        {one["id"]: Scored(one["score"], one["unusual"]) for one in found},
        _slow(prometheus, version, days) if prometheus else Share(0, 0),
        _removed(database, version, since),
    )


def _removed(database: Database[Document], version: str, since: datetime) -> Share:
    """Pull requests that it told of, and those of them whose alert a person has removed since."""
    own = {"result.model": version, "finished_at": {"$gte": since}}
    told, removed = (
        {(one["repository"], one["number"]) for one in database.deliveries.find({**own, "outcome": {"$in": outcomes}})}
        for outcomes in ([*TOLD, REMOVED], [REMOVED])
    )
    return Share(len(removed), len(told))


def _slow(prometheus: str, version: str, days: int) -> Share:
    """Requests for scores that took longer than a tenth of a second."""
    route = 'route="/score"'
    total, quick = (
        _number(prometheus, REQUESTS.format(series=series, version=version, days=days))
        for series in (f"count{{{route}}}", f'bucket{{{route},le="0.1"}}')
    )
    return Share(max(total - quick, 0), total)


def _number(prometheus: str, query: str) -> int:
    """A query's one result, rounded; 0 where there is none."""
    try:
        answer = requests.get(f"{prometheus}/api/v1/query", {"query": query}, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        found: list[Any] = answer.json()["data"]["result"]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise Unavailable(
            f"Prometheus at {prometheus} does not answer as it should ({type(error).__name__}).",
            advice="Check --prometheus, or leave it out.",
        ) from None
    value = float(found[0]["value"][1]) if found else 0.0
    return round(value) if value == value else 0  # noqa: PLR0124 - NaN is no requests
