"""What a caller is told when something is wrong: JSON after RFC 9457, never a trace."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from steps.common.errors import AccessRefused, ConfigurationError, DataError, NotFound, SentinelError, Unavailable
from steps.serve.contract import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"
STATUSES = {NotFound: 404, DataError: 422, AccessRefused: 502, ConfigurationError: 503, Unavailable: 503}
MAX_LOCATION_LENGTH = 200
"""Of a field's name in characters: callers make up names."""


class RequestRefused(Exception):
    """A request that is not worked on, and what its caller is told."""

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
        """The same for HTTP."""
        return build_problem(self.status, self.detail, self.errors, self.headers)


def build_problem(
    status: int, detail: str, errors: Sequence[FieldProblem] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The answer for one problem."""
    content = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors))
    return Response(content.model_dump_json(), status, headers, MEDIA_TYPE)


def describe_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for OpenAPI: what each of these statuses carries."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def format_location(location: Sequence[Any]) -> str:
    """`pull_requests.3.additions`."""
    return ".".join(str(part) for part in location)[:MAX_LOCATION_LENGTH]


def reject_fields(errors: Sequence[FieldProblem], hint: str = "") -> RequestRefused:
    """What is said where fields can't be used."""
    what = f"{len(errors)} fields can't be used." if len(errors) > 1 else "A field can't be used."
    return RequestRefused(422, f"{what} {hint}".rstrip(), errors=errors)


def install(app: FastAPI) -> None:
    """Answer every error that the application raises on purpose this way."""
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
    return build_problem(error.status_code, _DETAILS.get(error.status_code, str(error.detail)), headers=error.headers)


_DETAILS = {
    404: "There is nothing at this path; /openapi.json lists what there is.",
    405: "This path does not know the method; the header Allow lists those that it knows.",
}
