"""The OpenAPI description: what FastAPI generates, and what it can't know."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from steps.serve.contract import Problem, ScoreRequest, UrlRequest
from steps.serve.http.problems import describe_responses

REF_TEMPLATE = "#/components/schemas/{model}"
EXTRA_MODELS: tuple[type[BaseModel], ...] = (ScoreRequest, UrlRequest, Problem)
"""Models that no signature names."""
HEADERS = {
    "X-Request-Id": "the request id: the client's own or a new one; the log has it too",
    "X-Model": "the model's name and version, if a model is loaded",
    "X-Model-Digest": "the SHA-256 of the model's manifest, if a model is loaded",
}
_TO_DISTRIBUTION = {
    "distribution": {
        "operationId": "distribution",
        "parameters": {"repository": "$response.body#/results/0/repository"},
        "description": "The scores of the repository's past pull requests",
    }
}
LINKS: dict[str, dict[str, Any]] = {
    "score": _TO_DISTRIBUTION,
    "score_url": _TO_DISTRIBUTION,
    "golden": {
        "score": {
            "operationId": "score",
            "requestBody": {"pull_requests": ["$response.body#/0/pull_request"]},
            "description": "Score a golden pull request again",
        }
    },
}
"""What can be done next with a successful response, by operation."""
TAGS = [
    {"name": "scoring", "description": "Score how unusual pull requests are, and explain why."},
    {"name": "model", "description": "The model, and what it compares pull requests with."},
    {"name": "webhook", "description": "Deliveries from GitHub."},
    {"name": "operations", "description": "For operators."},
]


def describe_body(kind: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI entry for a body that the route parses itself."""
    schema = {"$ref": REF_TEMPLATE.format(model=kind.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def install(app: FastAPI) -> None:
    """Replace the application's OpenAPI generator."""
    cached: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not cached:
            cached.update(_build_schema(app))
        return cached

    app.openapi = openapi  # type: ignore[method-assign]


def _build_schema(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes, tags=TAGS)
    _, forms = models_json_schema([(kind, "validation") for kind in EXTRA_MODELS], ref_template=REF_TEMPLATE)
    found["components"]["schemas"] |= forms["$defs"]
    found["components"]["headers"] = {
        name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()
    }
    for path in found["paths"].values():
        for operation in path.values():
            operation["responses"] |= {str(status): one for status, one in describe_responses(500).items()}
            if links := LINKS.get(operation["operationId"]):
                operation["responses"]["200"]["links"] = links
            for response in operation["responses"].values():
                response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
    return found
