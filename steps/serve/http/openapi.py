"""The service's description of itself: what FastAPI finds in the code, and what it can't find there."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from steps.serve.contract import Problem, ScoreRequest, UrlRequest
from steps.serve.http.problems import describe_responses

REF_TEMPLATE = "#/components/schemas/{model}"
EXTRA_MODELS: tuple[type[BaseModel], ...] = (ScoreRequest, UrlRequest, Problem)
"""Forms that no signature names."""
HEADERS = {
    "X-Request-Id": "the caller's own id of the request, or a new one; it stands in the log too",
    "X-Model": "the model's name and version, once there is one",
    "X-Model-Digest": "the SHA-256 of the model's manifest, once there is one",
}
TAGS = [
    {"name": "scoring", "description": "How unusual pull requests are, and why."},
    {"name": "model", "description": "What answers, and what it compares with."},
    {"name": "webhook", "description": "Deliveries from GitHub."},
    {"name": "operations", "description": "For whoever runs the service."},
]


def describe_body(kind: type[BaseModel]) -> dict[str, Any]:
    """What a route says of the body that it reads by itself."""
    schema = {"$ref": REF_TEMPLATE.format(model=kind.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def install(app: FastAPI) -> None:
    """Let the application describe itself this way."""
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
            for response in operation["responses"].values():
                response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
    return found
