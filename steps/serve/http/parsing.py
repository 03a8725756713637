"""Parsing request bodies, a block at a time, so that a large one does not block other requests."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from steps.common.pull_request import PullRequest
from steps.serve.contract import MAX_PULL_REQUESTS, MAX_REPOSITORIES, ApiModel, FieldProblem
from steps.serve.http.problems import RequestRefused, format_location, reject_fields

BLOCK_SIZE = 256
MAX_ERRORS = 100
MAX_COMMAS = 2_000_000
"""Ten thousand pull requests have far fewer; small values take many times their size in the body once parsed."""
SIZE_FIELDS = frozenset({"additions", "deletions", "changed_files", "commits"})
LIST_ITEM_HINT = "GitHub's lists of pull requests omit sizes; fetch each pull request by its own URL."

_MESSAGES = {"model_type": "Input should be an object"}
"""Replacements for pydantic messages that speak of Python."""

AnyModel = TypeVar("AnyModel", bound=BaseModel)


class _Envelope(ApiModel):
    """A ScoreRequest whose items are not validated yet."""

    pull_requests: Annotated[list[Any], Field(min_length=1, max_length=MAX_PULL_REQUESTS)]


_PULLS = TypeAdapter(list[PullRequest])


def parse_model(kind: type[AnyModel], body: bytes) -> AnyModel:
    """Parse a small body into a model.

    Raises:
        RequestRefused: it is not valid; the fields are named.
    """
    try:
        return kind.model_validate(parse_json(body))
    except ValidationError as error:
        raise reject_fields(_list_problems(error)) from None


async def parse_pull_requests(body: bytes) -> list[PullRequest]:
    """Parse the pull requests of a ScoreRequest.

    Raises:
        RequestRefused: it is not valid; the fields of the first bad items are named.
    """
    items = parse_model(_Envelope, body).pull_requests
    found: list[PullRequest] = []
    problems: list[FieldProblem] = []
    for start in range(0, len(items), BLOCK_SIZE):
        if start:
            await asyncio.sleep(0)
        try:
            found += _PULLS.validate_python(items[start : start + BLOCK_SIZE])
        except ValidationError as error:
            problems += _list_problems(error, start)
            if len(problems) >= MAX_ERRORS:
                break
    if problems:
        raise reject_fields(problems[:MAX_ERRORS], LIST_ITEM_HINT if _lacks_sizes(problems) else "")
    if len({pull.base.repo.full_name for pull in found}) > MAX_REPOSITORIES:
        problem = f"One request may name at most {MAX_REPOSITORIES} repositories."
        raise reject_fields([FieldProblem(field="pull_requests", problem=problem)])
    return found


def parse_json(body: bytes) -> Any:
    """Parse a body as JSON; of duplicate names in an object, the last counts.

    Raises:
        RequestRefused: it is malformed, nested too deep, not UTF-8, not JSON (such as NaN), or has too many values.
    """
    if body.count(b",") > MAX_COMMAS:
        raise RequestRefused(413, f"The body has more than {MAX_COMMAS:,} values; send fewer pull requests at once.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestRefused(400, f"The body is not valid JSON: {error.msg}, at position {error.pos}.") from None


def _list_problems(error: ValidationError, start: int | None = None) -> list[FieldProblem]:
    """List the problems by field; `start` is the index of the block's first item."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[:MAX_ERRORS]
    return [
        FieldProblem(field=_format_field(one["loc"], start), problem=_MESSAGES.get(one["type"], one["msg"]))
        for one in found
    ]


def _format_field(location: tuple[int | str, ...], start: int | None) -> str:
    if start is None:
        return format_location(location) or "body"
    item, *rest = location
    return format_location(("pull_requests", start + int(item), *rest))


def _lacks_sizes(problems: Sequence[FieldProblem]) -> bool:
    """Return True if an item lacks all sizes, as in GitHub's lists."""
    lacking = {one.field.rpartition(".")[::2] for one in problems if one.problem == "Field required"}
    return any({(item, size) for size in SIZE_FIELDS} <= lacking for item, name in lacking if name in SIZE_FIELDS)
