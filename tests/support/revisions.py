"""Two running revisions, and the API server and Prometheus around them, for a comparison."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from pymongo.database import Database

Mongo = Database[dict[str, Any]]
NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(days=4)
OLD, NEW = "a" * 64, "b" * 64
POD_HASH = "7b5c"
COUNT = 300
GOOD, BAD = 0.05, 0.5
"""The shares of alerts that people remove."""


def analysis(pod_hash: str = POD_HASH, metric: str = "comparison", began: datetime = BEGAN, **status: Any) -> Any:
    """An AnalysisRun as the API server describes it."""
    return {
        "metadata": {
            "creationTimestamp": f"{began:%Y-%m-%dT%H:%M:%SZ}",
            "labels": {"rollouts-pod-template-hash": pod_hash},
        },
        "spec": {"metrics": [{"name": "answers"}, {"name": metric}]},
        "status": status or {"phase": "Running"},
    }


class World:
    """The services of both revisions, the API server and Prometheus, in one; a number is a status without a body."""

    def __init__(self) -> None:
        self.models: dict[str, Any] = {"old": {"version": "3", "digest": OLD}, "new": {"version": "4", "digest": NEW}}
        self.analyses: Any = [analysis()]
        self.slow: Any = {"3": 10, "4": 10}
        """Of 1,000 requests of each version."""

    def answer(self, path: str) -> Any:
        """Answer a request for a path."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.endswith("/model"):
            return self.models[parts.path.split("/")[1]]
        if parts.path.endswith("/namespaces/here/analysisruns"):
            if isinstance(self.analyses, int):
                return self.analyses
            label, _, chosen = query["labelSelector"].partition("=")
            return {"items": [one for one in self.analyses if one["metadata"]["labels"][label] == chosen]}
        if isinstance(self.slow, int):
            return self.slow
        slow = next(count for version, count in self.slow.items() if f'version="{version}"' in query["query"])
        value = 1_000 if "seconds_count" in query["query"] else 1_000 - slow
        return {"data": {"result": [{"value": [0, str(value)]}]}}


def put(
    database: Mongo, version: str, removed: float, hours: float = 48, repository: str = "o/n", **changes: Any
) -> None:
    """What a version leaves behind: scores so many hours ago, and alerts of which people remove a share."""
    digest = {"3": OLD, "4": NEW}[version]
    time, first = NOW - timedelta(hours=hours), {"3": 0, "4": COUNT}[version]
    pulls = [{"repository": repository, "number": first + one} for one in range(COUNT)]
    scored = {"scored_at": time, "score": 2.0, "unusual": False, "model": {"version": version, "digest": digest}}
    told = {"result": {"model": version}, "finished_at": time}
    kept = [pull | scored | {"id": f"{repository}#{pull['number']}"} | changes for pull in pulls]
    database.predictions.insert_many(kept)
    database.deliveries.insert_many(pull | told | {"outcome": "announced"} for pull in pulls)
    database.deliveries.insert_many(
        pull | told | {"outcome": "removed by a person"} for pull in pulls[: int(removed * COUNT)]
    )


Ask = Callable[..., requests.Response]
