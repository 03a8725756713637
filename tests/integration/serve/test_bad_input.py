"""Input that can't be scored is refused, with the problem and its place."""

import json
import pickle
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from steps.common.fields import MAX_BODY_CHARACTERS
from steps.serve.app import create_app
from steps.serve.contract import MAX_BODY_BYTES

Pull = dict[str, Any]
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(model: Path) -> Iterator[TestClient]:
    """The service in this process, one for all tests: it keeps nothing of what it refuses."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MODEL_DIR", str(model))
            found = stack.enter_context(TestClient(create_app()))
        yield found


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


def test_a_pull_request_is_scored_and_a_pickle_of_it_is_not(client: TestClient, pull: Pull) -> None:
    """With the model's name in the response and its headers."""
    given = {"pull_requests": [pull]}
    answer = client.post("/score", json=given)
    assert answer.status_code == 200
    (result,) = answer.json()["results"]
    assert result["id"] == f"{pull['base']['repo']['full_name']}#{pull['number']}"
    assert result["level"] in ("standard", "unusual", "high")
    assert answer.headers["x-model"] == "pr-sentinel:unregistered"
    assert answer.headers["x-model-digest"] == answer.json()["model"]["digest"]
    assert post_score(client, pickle.dumps(given), {"Content-Type": "application/vnd.bentoml+pickle"})[0] == 415
    assert post_score(client, pickle.dumps(given))[0] == 400


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.bentoml+pickle",
        "application/octet-stream",
        "application/msgpack",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/jsonp",
        "",
    ],
)
def test_only_json_is_read(client: TestClient, kind: str) -> None:
    status, problem = post_score(client, b'{"pull_requests": []}', {"Content-Type": kind})
    assert status == 415
    assert "application/json" in problem["detail"]


def test_a_body_without_a_content_type_is_not_read(client: TestClient) -> None:
    assert client.post("/score", content=b"{}").status_code == 415


def test_a_compressed_body_is_not_read(client: TestClient) -> None:
    assert post_score(client, b"\x1f\x8b", JSON | {"Content-Encoding": "gzip"})[0] == 415


def test_json_may_name_its_encoding(client: TestClient, pull: Pull) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/score", content=json.dumps({"pull_requests": [pull]}), headers=headers).status_code == 200


def test_a_body_over_the_limit_is_not_read(client: TestClient) -> None:
    status, problem = post_score(client, b" " * (MAX_BODY_BYTES + 1))
    assert status == 413
    assert "32 MiB" in problem["detail"]


def test_a_body_of_millions_of_small_values_is_not_read(client: TestClient) -> None:
    """It would take a gigabyte of memory."""
    status, problem = post_score(client, b'{"pull_requests": [' + b"{}," * 2_000_001 + b"{}]}")
    assert status == 413
    assert "2,000,000 values" in problem["detail"]


def test_a_pull_request_of_very_many_values_is_not_read(client: TestClient, pull: Pull) -> None:
    """Named by its place, however few commas it has."""
    nested = b'{"pull_requests": [{}, %s]}' % (json.dumps(pull | {"ignored": 0}).encode())
    status, problem = post_score(
        client, nested.replace(b'"ignored": 0', b'"ignored": [' + b"[[[]]]," * 100_000 + b"0]")
    )
    assert status == 413
    assert "pull_requests.1 has more than 300,000 values" in problem["detail"]


def test_a_text_full_of_brackets_is_read(client: TestClient, pull: Pull) -> None:
    """As many as the longest description can hold."""
    body = "[],{" * (MAX_BODY_CHARACTERS // 4)
    assert client.post("/score", json={"pull_requests": [pull | {"body": body}] * 2}).status_code == 200


@pytest.mark.parametrize("name", ["labels", "assignees"])
def test_a_list_that_github_keeps_short_may_not_be_long(client: TestClient, pull: Pull, name: str) -> None:
    pull[name] = [{"name": "a", "login": "a"}] * 101
    assert "at most 100" in read_field_problems(client, pull)[f"pull_requests.0.{name}"]
    pull[name] = pull[name][:100]
    assert client.post("/score", json={"pull_requests": [pull]}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"pull_requests": [}',
        b'{"pull_requests": [NaN]}',
        b'{"pull_requests": [Infinity]}',
        b'{"pull_requests": [-Infinity]}',
        b'{"pull_requests": ["\xff"]}',
        b'{"\xff": 1}',
        b'{"pull_requests": ["\\ud800"]}',
        b"\xef\xbb\xbf{}",
        b'{"pull_requests": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"pull_requests": [' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}",
        b'{"pull_requests": []} {}',
        b"{'pull_requests': []}",
        b'{"pull_requests": [1,]}',
    ],
    ids=lambda body: body[:24].decode("ascii", "replace"),
)
def test_a_body_that_is_not_valid_json_is_refused_with_the_position(client: TestClient, body: bytes) -> None:
    status, problem = post_score(client, body)
    assert status == 400
    assert "not valid JSON" in problem["detail"]
    assert "position" in problem["detail"]


def test_the_last_of_duplicate_names_counts(client: TestClient, pull: Pull) -> None:
    text = json.dumps({"pull_requests": [pull]}).replace('"additions":', '"additions": -1, "additions":', 1)
    assert client.post("/score", content=text, headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ("[]", "body", "object"),
        ('"text"', "body", "object"),
        ("null", "body", "object"),
        ("{}", "pull_requests", "required"),
        ('{"pull_requests": null}', "pull_requests", "list"),
        ('{"pull_requests": {}}', "pull_requests", "list"),
        ('{"pull_requests": []}', "pull_requests", "at least 1"),
        ('{"pull_requests": [null]}', "pull_requests.0", "object"),
        ('{"pull_requests": ["text"]}', "pull_requests.0", "object"),
        ('{"pull_requests": [1], "more": 1}', "more", "not permitted"),
    ],
)
def test_a_body_of_another_shape_is_refused(client: TestClient, body: str, field: str, said: str) -> None:
    status, problem = post_score(client, body)
    assert status == 422
    assert said in {one["field"]: one["problem"] for one in problem["errors"]}[field]


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


@pytest.mark.parametrize("name", ["a/..", "a/.", "../..", "a/b/..", "a/%2e%2e", "-/a", "a/b\n"])
def test_a_name_that_no_repository_has_is_refused(client: TestClient, pull: Pull, name: str) -> None:
    pull["base"] = {"ref": "main", "repo": {"full_name": name}}
    assert set(read_field_problems(client, pull)) == {"pull_requests.0.base.repo.full_name"}


def test_a_distribution_needs_a_repository(client: TestClient) -> None:
    answer = client.get("/distribution")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "repository"
    assert client.get("/distribution", params={"repository": "x" * 300}).status_code == 422
