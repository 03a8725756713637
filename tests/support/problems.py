"""The problems with which the service refuses what it is given."""

import json
from typing import Any

from starlette.testclient import TestClient

Pull = dict[str, Any]
JSON = {"Content-Type": "application/json"}


def post_score(client: TestClient, body: bytes | str, headers: dict[str, str] = JSON) -> tuple[int, dict[str, Any]]:
    """Post bytes to `/score`, and return the status and the problem."""
    answer = client.post("/score", content=body, headers=headers)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert problem["status"] == answer.status_code
    return answer.status_code, problem


def read_field_problems(client: TestClient, *pulls: Any) -> dict[str, str]:
    """Post pull requests, and return the problems by field."""
    status, problem = post_score(client, json.dumps({"pull_requests": list(pulls)}))
    assert status == 422
    return {one["field"]: one["problem"] for one in problem["errors"]}
