"""What a caller is told when something is wrong: JSON after RFC 9457, never a trace."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from steps.common.errors import AccessRefused, ConfigurationError, DataError, NotFound, SentinelError, Unavailable
from steps.serve.contract import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 100
STATUS = {NotFound: 404, DataError: 422, AccessRefused: 502, ConfigurationError: 503, Unavailable: 503}

logger = logging.getLogger(__name__)


class NotJson(Exception):
    """A body that can't be read."""


def problem(status: int, detail: str, errors: Sequence[FieldProblem] = (), headers: Any = None) -> Response:
    """The answer for one problem."""
    said = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors))
    return Response(said.model_dump_json(), status, headers, MEDIA_TYPE)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for OpenAPI: what each of these statuses carries."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def install(app: FastAPI) -> None:
    """Answer every error of the application this way."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NotJson, _not_json)
    app.add_exception_handler(SentinelError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unknown)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  the handler is for these alone
    errors = error.errors()
    found = [FieldProblem(field=_place(one["loc"]), problem=one["msg"]) for one in errors[:MOST_ERRORS]]
    return problem(422, f"{len(errors)} fields can't be used." if len(errors) > 1 else "A field can't be used.", found)


def _place(location: Sequence[Any]) -> str:
    """`pull_requests.3.additions`; where the place begins is left out, unless it is all there is."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


async def _not_json(_: Request, error: Exception) -> Response:
    return problem(400, f"The body is no JSON: {error}.")


async def _known(_: Request, error: Exception) -> Response:
    assert isinstance(error, SentinelError)  # noqa: S101  the handler is for these alone
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    return problem(status, f"{error.problem} {error.advice}")


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  the handler is for these alone
    return problem(error.status_code, str(error.detail), headers=error.headers)


async def _unknown(request: Request, error: Exception) -> Response:
    logger.error("an answer failed", extra={"path": request.url.path}, exc_info=error)
    return problem(500, "Something went wrong here; the log of the service says what.")


def parsed(body: bytes) -> Any:
    """A body as JSON.

    Raises:
        NotJson: it is broken, nested too deep, no UTF-8, or holds what JSON doesn't know, such as NaN.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotJson(f"{error.msg}, at position {error.pos}") from None
