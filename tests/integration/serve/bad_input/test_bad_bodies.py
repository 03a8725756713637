"""A body that can't be scored is refused, with the problem."""

import json
import pickle

import pytest
from starlette.testclient import TestClient

from steps.common.fields import MAX_BODY_CHARACTERS
from steps.serve.contract import MAX_BODY_BYTES
from tests.support.problems import JSON, Pull, post_score


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
