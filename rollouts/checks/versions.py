"""The data of two versions: their predictions and alerts in MongoDB, and their response times in Prometheus."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from pymongo.database import Database

from rollouts.checks.compare import FirstScore, Proportion, VersionData
from rollouts.checks.recent import FIRST_INJECTED_NUMBER
from steps.common.errors import Unavailable
from steps.common.mongo import Document
from steps.scoring.artefact import GOLDEN_REPOSITORY

ANNOUNCED = "announced"
REMOVED = "removed by a person"
SETTLED_AFTER = timedelta(days=1)
"""An alert counts at this age, by whether a person had removed it by then; nothing changes what has been counted."""
PullRequestKey = tuple[str, int]
"""A repository and a number."""
TIMEOUT_SECONDS = 30
REQUESTS = (
    "sum(increase(pr_sentinel_request_seconds_{series}[{seconds}s]) "
    "* on (instance, rollouts_pod_template_hash) group_left () max by (instance, rollouts_pod_template_hash) "
    '(last_over_time(pr_sentinel_model_info{{version="{version}"}}[{seconds}s])))'
)
"""By address and revision, since a pod may have the address that a pod of another version had before."""


def read_versions(
    database: Database[Document], names: Sequence[str], since: datetime, prometheus: str | None
) -> list[VersionData]:
    """Read the data of versions from a time on; only the first score of each pull request counts.

    Repositories that not all of them have scored are left out: no version is better for having had other repositories.

    Raises:
        SentinelError: MongoDB or Prometheus can't be read.
    """
    found = [_find_predictions(database, name, since) for name in names]
    shared = set.intersection(*({one["repository"] for one in each} for each in found))
    removals = _find_first_times(database, {"outcome": REMOVED, "finished_at": {"$gte": since}})
    return [
        VersionData(
            name,
            frozenset(one["model"]["digest"] for one in predictions),
            {one["id"]: FirstScore(one["score"], one["unusual"]) for one in predictions if one["repository"] in shared},
            _count_slow(prometheus, name, since) if prometheus else Proportion(0, 0),
            _count_removed(_find_announced(database, name, since, shared), removals),
        )
        for name, predictions in zip(names, found, strict=True)
    ]


def _find_predictions(database: Database[Document], version: str, since: datetime) -> list[Document]:
    """Find the predictions of a version, the first ones last."""
    query = {
        "model.version": version,
        "scored_at": {"$gte": since},
        # Without the pull requests of the checks.
        "repository": {"$ne": GOLDEN_REPOSITORY},
        "number": {"$lt": FIRST_INJECTED_NUMBER},
    }
    kept = {"id": 1, "repository": 1, "score": 1, "unusual": 1, "model.digest": 1}
    return list(database.predictions.find(query, kept).sort("scored_at", -1))


def _find_announced(
    database: Database[Document], version: str, since: datetime, repositories: Iterable[str]
) -> dict[PullRequestKey, datetime]:
    """Find the pull requests that it announced in these repositories, with the time, where that is a day ago."""
    until = datetime.now(UTC) - SETTLED_AFTER
    query = {"result.model": version, "outcome": ANNOUNCED, "finished_at": {"$gte": since, "$lte": until}}
    return _find_first_times(database, query | {"repository": {"$in": sorted(repositories)}})


def _find_first_times(database: Database[Document], query: Document) -> dict[PullRequestKey, datetime]:
    """Find deliveries, and return for each pull request when the first of them ended."""
    kept = {"repository": 1, "number": 1, "finished_at": 1}
    found = database.deliveries.find(query, kept).sort("finished_at", -1)
    return {(one["repository"], one["number"]): one["finished_at"] for one in found}


def _count_removed(
    announced: Mapping[PullRequestKey, datetime], removals: Mapping[PullRequestKey, datetime]
) -> Proportion:
    """Count the alerts, and those that a person had removed a day later, whichever version noticed it."""
    removed = [
        one for one, time in announced.items() if one in removals and time <= removals[one] <= time + SETTLED_AFTER
    ]
    return Proportion(len(removed), len(announced))


def _count_slow(prometheus: str, version: str, since: datetime) -> Proportion:
    """Count the requests for scores that took longer than 0.1 s."""
    route = 'route="/score"'
    seconds = math.ceil((datetime.now(UTC) - since).total_seconds())
    total, quick = (
        _query_number(prometheus, REQUESTS.format(series=series, version=version, seconds=seconds))
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
    return round(value) if math.isfinite(value) else 0  # neither NaN nor infinity is a count
