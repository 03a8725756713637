"""Paths, methods and queries that the service does not have are answered with problems."""

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/nothing", 404),
        ("GET", "/score", 405),
        ("DELETE", "/score", 405),
        ("PUT", "/score_url", 405),
        ("POST", "/livez", 405),
        ("GET", "/livez/", 404),
        ("POST", "/score/", 404),
        ("POST", "/", 405),
        ("GET", "/page/nothing.js", 404),
        ("GET", "/page/../app.py", 404),
        ("GET", "/page/%2e%2e/app.py", 404),
        ("GET", "/docs", 404),
    ],
)
def test_unknown_paths_and_methods_are_answered_with_problems(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path, headers={"Host": "elsewhere.example"}, follow_redirects=False)
    assert answer.status_code == status
    assert "location" not in answer.headers
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/metrics", "/model", "/golden", "/openapi.json"])
def test_head_is_answered_as_get_without_the_body(client: TestClient, path: str) -> None:
    """Load balancers and link checkers send it."""
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert "HEAD" in client.delete(path).headers["allow"]


@pytest.mark.parametrize("path", ["/score", "/webhook"])
def test_head_of_what_has_no_get_is_not_allowed(client: TestClient, path: str) -> None:
    assert (client.head(path).status_code, client.head(path).headers["allow"]) == (405, "POST")


def test_a_distribution_needs_a_repository(client: TestClient) -> None:
    answer = client.get("/distribution")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "repository"
    assert client.get("/distribution", params={"repository": "x" * 300}).status_code == 422
