"""From a body's bytes to pull requests, a block at a time, so that a large body does not keep others waiting."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from steps.common.pull_request import PullRequest
from steps.serve.contract import MOST_PULL_REQUESTS, MOST_REPOSITORIES, FieldProblem, Form
from steps.serve.http.problems import Refused, place, unusable

BLOCK = 256
MOST_ERRORS = 100
MOST_COMMAS = 2_000_000
"""Ten thousand pull requests have far fewer; small values take up many times the memory that they take in a body."""
SIZES = frozenset({"additions", "deletions", "changed_files", "commits"})
LISTED = "GitHub's lists of pull requests leave sizes out; take each pull request from its own address."

_WORDS = {"model_type": "Input should be an object"}
"""Where pydantic's own words speak of Python."""

AnyForm = TypeVar("AnyForm", bound=BaseModel)


class _Envelope(Form):
    """A ScoreRequest whose items are not yet looked at."""

    pull_requests: Annotated[list[Any], Field(min_length=1, max_length=MOST_PULL_REQUESTS)]


_PULLS = TypeAdapter(list[PullRequest])


def form(kind: type[AnyForm], body: bytes) -> AnyForm:
    """A small body as what it should be.

    Raises:
        Refused: it isn't that, with the fields.
    """
    try:
        return kind.model_validate(plain(body))
    except ValidationError as error:
        raise unusable(_problems(error)) from None


async def pull_requests(body: bytes) -> list[PullRequest]:
    """The pull requests of a ScoreRequest.

    Raises:
        Refused: it is none, with the fields of the first items that are none.
    """
    items = form(_Envelope, body).pull_requests
    found: list[PullRequest] = []
    problems: list[FieldProblem] = []
    for start in range(0, len(items), BLOCK):
        if start:
            await asyncio.sleep(0)
        try:
            found += _PULLS.validate_python(items[start : start + BLOCK])
        except ValidationError as error:
            problems += _problems(error, start)
            if len(problems) >= MOST_ERRORS:
                break
    if problems:
        raise unusable(problems[:MOST_ERRORS], LISTED if _as_listed(problems) else "")
    if len({pull.base.repo.full_name for pull in found}) > MOST_REPOSITORIES:
        said = f"One request may name at most {MOST_REPOSITORIES} repositories."
        raise unusable([FieldProblem(field="pull_requests", problem=said)])
    return found


def plain(body: bytes) -> Any:
    """A body's JSON as plain values; of a name that stands twice in an object, the last counts.

    Raises:
        Refused: it is broken, nested too deep, no UTF-8, holds what JSON doesn't know, such as NaN, or far too much.
    """
    if body.count(b",") > MOST_COMMAS:
        raise Refused(413, f"A body may have {MOST_COMMAS:,} values; send fewer pull requests at once.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"The body is no JSON: {error.msg}, at position {error.pos}.") from None


def _problems(error: ValidationError, start: int | None = None) -> list[FieldProblem]:
    """What is wrong with which field; `start` is the place of a block's first item among the pull requests."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[:MOST_ERRORS]
    return [FieldProblem(field=_field(one["loc"], start), problem=_WORDS.get(one["type"], one["msg"])) for one in found]


def _field(location: tuple[int | str, ...], start: int | None) -> str:
    if start is None:
        return place(location) or "body"
    item, *rest = location
    return place(("pull_requests", start + int(item), *rest))


def _as_listed(problems: Sequence[FieldProblem]) -> bool:
    """Whether an item lacks all sizes, as in GitHub's lists."""
    lacking = {one.field.rpartition(".")[::2] for one in problems if one.problem == "Field required"}
    return any({(item, size) for size in SIZES} <= lacking for item, name in lacking if name in SIZES)
