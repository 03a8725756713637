"""The data of a version: its predictions and alerts in MongoDB, and its response times in Prometheus."""

from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from pymongo.database import Database

from rollouts.checks.compare import LatestScore, Proportion, VersionData
from rollouts.checks.recent import FIRST_INJECTED_NUMBER
from steps.common.errors import Unavailable
from steps.common.mongo import Document
from steps.scoring.artefact import GOLDEN_REPOSITORY

ANNOUNCED = ("announced", "updated")
REMOVED = "removed by a person"
TIMEOUT_SECONDS = 30
REQUESTS = (
    "sum(increase(pr_sentinel_request_seconds_{series}[{days}d]) "
    "* on (instance, rollouts_pod_template_hash) group_left () max by (instance, rollouts_pod_template_hash) "
    '(last_over_time(pr_sentinel_model_info{{version="{version}"}}[{days}d])))'
)
"""By address and revision, since a pod may have the address that a pod of another version had before."""


def read_version(database: Database[Document], version: str, days: int, prometheus: str | None) -> VersionData:
    """Read the data of a version; only the latest score of each pull request counts.

    Raises:
        SentinelError: MongoDB or Prometheus can't be read.
    """
    since = datetime.now(UTC) - timedelta(days=days)
    query = {
        "model.version": version,
        "scored_at": {"$gte": since},
        # Without the pull requests of the checks.
        "repository": {"$ne": GOLDEN_REPOSITORY},
        "number": {"$lt": FIRST_INJECTED_NUMBER},
    }
    kept = {"id": 1, "score": 1, "unusual": 1, "model.digest": 1}
    found = list(database.predictions.find(query, kept).sort("scored_at", 1))
    return VersionData(
        version,
        frozenset(one["model"]["digest"] for one in found),
        {one["id"]: LatestScore(one["score"], one["unusual"]) for one in found},
        _count_slow(prometheus, version, days) if prometheus else Proportion(0, 0),
        _count_removed(database, version, since),
    )


def _count_removed(database: Database[Document], version: str, since: datetime) -> Proportion:
    """Count the pull requests that it announced, and those whose alert was removed by a person."""
    own = {"result.model": version, "finished_at": {"$gte": since}}
    told, removed = (
        {(one["repository"], one["number"]) for one in database.deliveries.find({**own, "outcome": {"$in": outcomes}})}
        for outcomes in ([*ANNOUNCED, REMOVED], [REMOVED])
    )
    return Proportion(len(removed), len(told))


def _count_slow(prometheus: str, version: str, days: int) -> Proportion:
    """Count the requests for scores that took longer than 0.1 s."""
    route = 'route="/score"'
    total, quick = (
        _query_number(prometheus, REQUESTS.format(series=series, version=version, days=days))
        for series in (f"count{{{route}}}", f'bucket{{{route},le="0.1"}}')
    )
    return Proportion(max(total - quick, 0), total)


def _query_number(prometheus: str, query: str) -> int:
    """Return the single result of a query, rounded; 0 without a result."""
    try:
        answer = requests.get(f"{prometheus}/api/v1/query", {"query": query}, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        found: list[Any] = answer.json()["data"]["result"]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise Unavailable(
            f"Prometheus at {prometheus} does not return a result ({type(error).__name__}).",
            advice="Check --prometheus, or omit it.",
        ) from None
    value = float(found[0]["value"][1]) if found else 0.0
    return round(value) if value == value else 0  # noqa: PLR0124 - NaN means no requests
