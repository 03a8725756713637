"""A service's scores of a pull request under different repositories."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.testclient import TestClient

KNOWN, OTHER, UNKNOWN = "owner/name", "owner/other", "owner/new"
"""Repositories: one that the model and MongoDB know, one for MongoDB alone, one that nobody knows."""


def score(client: "TestClient", pull: dict[str, Any], repository: str, count: int = 1) -> list[dict[str, Any]]:
    """Score a pull request as one of this repository."""
    base = {"ref": "main", "repo": {"full_name": repository}}
    answer = client.post("/score", json={"pull_requests": [pull | {"base": base}] * count})
    assert answer.status_code == 200
    return list(answer.json()["results"])
