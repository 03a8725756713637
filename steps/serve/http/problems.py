"""Error responses: RFC 9457 problem details as JSON, never a traceback."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from steps.common.errors import AccessRefused, ConfigurationError, DataError, NotFound, SentinelError, Unavailable
from steps.serve.contract import FieldProblem, Problem
from steps.serve.http.phrases import get_phrase

MEDIA_TYPE = "application/problem+json"
STATUSES = {NotFound: 404, DataError: 422, AccessRefused: 502, ConfigurationError: 503, Unavailable: 503}
MAX_LOCATION_LENGTH = 200
"""Characters of a field's name in a response: clients choose the names."""


class RequestRefused(Exception):
    """A request is refused, with the status and the details for the client."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers
        super().__init__(detail)

    def to_response(self) -> Response:
        """Return the HTTP response."""
        return build_problem(self.status, self.detail, self.errors, self.headers)


def build_problem(
    status: int, detail: str, errors: Sequence[FieldProblem] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Build the response for a problem."""
    content = Problem(title=get_phrase(status), status=status, detail=detail, errors=list(errors))
    return Response(content.model_dump_json(), status, headers, MEDIA_TYPE)


def describe_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of these error statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": get_phrase(status), "content": content} for status in statuses}


def format_location(location: Sequence[Any]) -> str:
    """Format a field's location, such as `pull_requests.3.additions`."""
    return ".".join(str(part) for part in location)[:MAX_LOCATION_LENGTH]


def reject_fields(errors: Sequence[FieldProblem], hint: str = "") -> RequestRefused:
    """Return the error for fields that are not valid."""
    what = f"{len(errors)} fields are not valid." if len(errors) > 1 else "A field is not valid."
    return RequestRefused(422, f"{what} {hint}".rstrip(), errors=errors)


def install(app: FastAPI) -> None:
    """Install handlers that answer the application's own errors with problem details."""
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(RequestRefused, _handle_refusal)
    app.add_exception_handler(SentinelError, _handle_sentinel_error)
    app.add_exception_handler(HTTPException, _handle_http_exception)


async def _handle_validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  the handler is for these alone
    found = [FieldProblem(field=format_location(one["loc"][1:]), problem=one["msg"]) for one in error.errors()]
    return reject_fields(found).to_response()


async def _handle_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)  # noqa: S101  the handler is for these alone
    return error.to_response()


async def _handle_sentinel_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, SentinelError)  # noqa: S101  the handler is for these alone
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)
    return build_problem(status, f"{error.problem} {error.advice}")


async def _handle_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  the handler is for these alone
    headers = dict(error.headers or {})
    if "GET" in (allowed := headers.get("Allow", "").split(", ")):
        headers["Allow"] = ", ".join([*allowed, "HEAD"])  # the middleware answers it
    return build_problem(error.status_code, _DETAILS.get(error.status_code, str(error.detail)), headers=headers)


_DETAILS = {
    404: "This path does not exist; /openapi.json lists all paths.",
    405: "This path does not support the method; see the Allow header.",
}
