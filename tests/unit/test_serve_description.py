"""The service's description of itself can be relied on."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from steps.common.pull_request import PullRequest
from steps.serve.app import create_app
from steps.serve.contract import ScoreRequest, ScoreResponse, UrlRequest, UrlResponse
from steps.serve.http import examples
from steps.serve.http.problems import build_problem

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    """The content of /openapi.json."""
    return create_app().openapi()


def operations(openapi: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation, by its method and path."""
    return {f"{method} {path}": one for path, some in openapi["paths"].items() for method, one in some.items()}


@pytest.mark.parametrize("form", [ScoreRequest, ScoreResponse, UrlRequest, UrlResponse])
def test_examples_are_valid(form: type[BaseModel], openapi: dict[str, Any]) -> None:
    (example,) = openapi["components"]["schemas"][form.__name__]["examples"]
    assert form.model_validate(example).model_dump(mode="json").keys() == example.keys()


def test_the_example_pull_request_has_the_required_fields_and_few_more() -> None:
    required = {name for name, field in PullRequest.model_fields.items() if field.is_required()}
    assert required <= examples.PULL_REQUEST.keys() <= PullRequest.model_fields.keys()


def test_every_route_has_an_operation(openapi: dict[str, Any]) -> None:
    assert set(operations(openapi)) == {
        "post /score",
        "post /score_url",
        "post /webhook",
        "get /model",
        "get /golden",
        "get /distribution",
        "get /feedback",
        "get /livez",
        "get /readyz",
        "get /metrics",
    }


def test_every_error_is_described_as_a_problem(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi).items():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response["content"] == PROBLEM, (name, status)
    assert "HTTPValidationError" not in openapi["components"]["schemas"]


def test_errors_have_the_same_names_on_every_python(openapi: dict[str, Any]) -> None:
    """Python 3.13 renamed two of them."""
    responses = operations(openapi)["post /score"]["responses"]
    assert responses["413"]["description"] == "Content Too Large"
    assert json.loads(bytes(build_problem(422, "").body))["title"] == "Unprocessable Content"


def test_every_response_describes_its_headers(openapi: dict[str, Any]) -> None:
    assert set(openapi["components"]["headers"]) == {"X-Request-Id", "X-Model", "X-Model-Digest"}
    for operation in operations(openapi).values():
        for response in operation["responses"].values():
            assert response["headers"].keys() == openapi["components"]["headers"].keys()


def test_limits_are_described(openapi: dict[str, Any]) -> None:
    """Of lists, texts and counts; and what may be null."""
    forms = openapi["components"]["schemas"]
    pulls, pull = forms["ScoreRequest"]["properties"]["pull_requests"], forms["PullRequest"]["properties"]
    assert (pulls["minItems"], pulls["maxItems"]) == (1, 10_000)
    assert (pull["additions"]["minimum"], pull["additions"]["maximum"]) == (0, 2**31 - 1)
    assert pull["title"]["maxLength"] == 1_024
    for name in ("user", "body"):
        assert {"type": "null"} in pull[name]["anyOf"]
    assert "body" not in forms["PullRequest"]["required"]
