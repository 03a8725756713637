"""A pull request that can't be scored is refused, with the problem and its place."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.problems import Pull, post_score, read_field_problems


@pytest.mark.parametrize("name", ["labels", "assignees"])
def test_a_list_that_github_keeps_short_may_not_be_long(client: TestClient, pull: Pull, name: str) -> None:
    pull[name] = [{"name": "a", "login": "a"}] * 101
    assert "at most 100" in read_field_problems(client, pull)[f"pull_requests.0.{name}"]
    pull[name] = pull[name][:100]
    assert client.post("/score", json={"pull_requests": [pull]}).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("additions", -1),
        ("additions", 1.0),
        ("additions", "1"),
        ("additions", True),
        ("additions", 2**31),
        ("additions", 10**40),
        ("additions", None),
        ("changed_files", [1]),
        ("number", 0),
        ("number", "17"),
        ("title", None),
        ("title", 5),
        ("title", "x" * 1_025),
        ("body", 5),
        ("body", "x" * 262_145),
        ("created_at", "2026-08-17"),
        ("created_at", "2026-08-17T18:05:25"),
        ("created_at", "yesterday"),
        ("created_at", "1700000000"),
        ("created_at", 1_700_000_000),
        ("created_at", "0001-01-01T00:00:00+14:00"),
        ("created_at", "9999-12-31T23:59:59-12:00"),
        ("created_at", "0001-06-01T00:00:00Z"),
        ("user", "someone"),
        ("user", {"login": None}),
        ("user", {}),
        ("base", {"ref": "main"}),
        ("base", {"ref": "main", "repo": {"full_name": "no-owner"}}),
        ("base", {"ref": "main", "repo": {"full_name": "a/b/c"}}),
    ],
)
def test_an_invalid_field_is_named_with_its_item(client: TestClient, pull: Pull, name: str, value: Any) -> None:
    found = read_field_problems(client, pull, pull, pull, pull | {name: value})
    assert all(field.startswith(f"pull_requests.3.{name}") for field in found), found
    assert found


@pytest.mark.parametrize("name", ["number", "title", "user", "created_at", "additions", "commits", "base"])
def test_a_missing_field_is_named(client: TestClient, pull: Pull, name: str) -> None:
    del pull[name]
    assert read_field_problems(client, pull) == {f"pull_requests.0.{name}": "Field required"}


def test_an_item_of_githubs_list_is_refused_with_a_hint(client: TestClient, pull: Pull) -> None:
    for name in ("additions", "deletions", "changed_files", "commits"):
        del pull[name]
    _, problem = post_score(client, json.dumps({"pull_requests": [pull]}))
    assert "lists of pull requests omit sizes" in problem["detail"]
    assert len(problem["errors"]) == 4


def test_author_and_body_may_be_null(client: TestClient, pull: Pull) -> None:
    answer = client.post("/score", json={"pull_requests": [pull | {"user": None, "body": None}]})
    assert answer.status_code == 200


def test_ten_thousand_pull_requests_are_accepted_and_not_one_more(client: TestClient, pull: Pull) -> None:
    slim = {name: pull[name] for name in ("title", "user", "state", "created_at", "updated_at")}
    slim |= {name: pull[name] for name in ("number", "additions", "deletions", "changed_files", "commits", "base")}
    slim["base"] = {"ref": "main", "repo": {"full_name": "owner/name"}}
    answer = client.post("/score", json={"pull_requests": [slim] * 10_000})
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 10_000
    assert "at most 10000" in read_field_problems(client, *[slim] * 10_001)["pull_requests"]


def test_a_hundred_repositories_are_accepted_and_not_one_more(client: TestClient, pull: Pull) -> None:
    def of(count: int) -> list[Pull]:
        bases = ({"ref": "main", "repo": {"full_name": f"owner/name-{number}"}} for number in range(count))
        return [pull | {"base": base} for base in bases]

    assert client.post("/score", json={"pull_requests": of(100)}).status_code == 200
    assert "100 repositories" in read_field_problems(client, *of(101))["pull_requests"]


def test_a_bad_item_is_named_at_any_position(client: TestClient, pull: Pull) -> None:
    assert read_field_problems(client, *[pull] * 700, pull | {"commits": -1}) == {
        "pull_requests.700.commits": "Input should be greater than or equal to 0"
    }


def test_at_most_a_hundred_fields_are_named(client: TestClient) -> None:
    assert len(read_field_problems(client, *[{}] * 2_000)) == 100


@pytest.mark.parametrize("name", ["a/..", "a/.", "../..", "a/b/..", "a/%2e%2e", "-/a", "a/b\n"])
def test_a_name_that_no_repository_has_is_refused(client: TestClient, pull: Pull, name: str) -> None:
    pull["base"] = {"ref": "main", "repo": {"full_name": name}}
    assert set(read_field_problems(client, pull)) == {"pull_requests.0.base.repo.full_name"}
