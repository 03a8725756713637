"""Parsing request bodies, a block at a time, so that a large one neither blocks other requests nor fills the memory.

A body is first split into its pull requests, each still bytes. Only those of one block are Python objects at a time.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
import orjson
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from steps.common.pull_request import PullRequest
from steps.serve.contract import MAX_PULL_REQUESTS, MAX_REPOSITORIES, ApiModel, FieldProblem
from steps.serve.http.problems import RequestRefused, format_location, reject_fields

BLOCK_SIZE = 256
BLOCK_BYTES = 2**20
"""A block ends with the pull request that reaches one of these."""
MAX_ERRORS = 100
MAX_COMMAS = 2_000_000
"""Of a body; ten thousand pull requests have far fewer."""
MAX_VALUES = 300_000
"""Of one pull request; a list in a list takes forty times its size in the body once parsed."""
UNCOUNTED_BYTES = 2**16
"""A pull request up to this size can't have too many values."""
SIZE_FIELDS = frozenset({"additions", "deletions", "changed_files", "commits"})
LIST_ITEM_HINT = "GitHub's lists of pull requests omit sizes; fetch each pull request by its own URL."

_MESSAGES = {"model_type": "Input should be an object"}
"""Replacements for pydantic messages that speak of Python."""

AnyModel = TypeVar("AnyModel", bound=BaseModel)


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """A ScoreRequest whose items are not parsed yet."""

    pull_requests: list[msgspec.Raw]


class _Items(ApiModel):
    """The limits of their number."""

    pull_requests: Annotated[list[Any], Field(min_length=1, max_length=MAX_PULL_REQUESTS)]


class _Block(NamedTuple):
    """Items of a request, and the index of the first."""

    start: int
    items: list[Any]


_ENVELOPES = msgspec.json.Decoder(_Envelope)
_MALFORMED = re.compile(r"JSON is malformed: (?P<problem>.*) \(byte (?P<position>\d+)\)")
_MISFORMED = re.compile(
    r"Object contains (?P<extra>unknown) field `(?P<name>.*)`|Object missing required field `(?P<missing>.*)`"
    r"|Expected `(?P<wanted>\w+)`, got `\w+`(?: - at `\$\.(?P<place>.*)`)?"
)
_KINDS = {"array": "Input should be a valid list", "object": "Input should be an object"}
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
    found: list[PullRequest] = []
    problems: list[FieldProblem] = []
    for start, items in _iter_blocks(_split(body)):
        if start:
            await asyncio.sleep(0)
        try:
            found += _PULLS.validate_python(items)
        except ValidationError as error:
            problems += _list_problems(error, start)
            if len(problems) >= MAX_ERRORS:
                break
        items.clear()  # before the next block is parsed
    if problems:
        raise reject_fields(problems[:MAX_ERRORS], LIST_ITEM_HINT if _lacks_sizes(problems) else "")
    if len({pull.base.repo.full_name for pull in found}) > MAX_REPOSITORIES:
        problem = f"One request may name at most {MAX_REPOSITORIES} repositories."
        raise reject_fields([FieldProblem(field="pull_requests", problem=problem)])
    return found


def parse_json(body: bytes) -> Any:
    """Parse a small body as JSON; of duplicate names in an object, the last counts.

    Raises:
        RequestRefused: it is malformed, nested too deep, not UTF-8, or not JSON (such as NaN).
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _not_json(error.msg, error.pos) from None


def _split(body: bytes) -> Sequence[msgspec.Raw]:
    """Split a ScoreRequest into its items, without parsing them.

    Raises:
        RequestRefused: it is not a ScoreRequest, or has too many items or values.
    """
    if body.count(b",") > MAX_COMMAS:
        raise RequestRefused(413, f"The body has more than {MAX_COMMAS:,} values; send fewer pull requests at once.")
    try:
        items = _ENVELOPES.decode(body).pull_requests
        _Items.model_validate({"pull_requests": items})
    except ValidationError as error:
        raise reject_fields(_list_problems(error)) from None
    except msgspec.ValidationError as error:
        raise reject_fields([_translate_misformed(str(error))]) from None
    except msgspec.DecodeError as error:
        raise _translate_malformed(str(error), len(body)) from None
    except UnicodeDecodeError as error:
        raise _not_json("a name is not UTF-8", error.start) from None
    except RecursionError:
        raise _not_json("it is nested too deep", 0) from None
    return items


def _iter_blocks(items: Sequence[msgspec.Raw]) -> Iterator[_Block]:
    """Parse the items, a block at a time.

    Raises:
        RequestRefused: an item is not valid JSON or has too many values.
    """
    block, size = _Block(0, []), 0
    for place, item in enumerate(items):
        content = memoryview(item)
        size += len(content)
        block.items.append(_parse_item(content, place))
        if len(block.items) == BLOCK_SIZE or size >= BLOCK_BYTES:
            yield block
            block, size = _Block(place + 1, []), 0
    if block.items:
        yield block


def _parse_item(content: memoryview, place: int) -> Any:
    if len(content) > UNCOUNTED_BYTES:
        whole = bytes(content)
        if sum(whole.count(sign) for sign in (b",", b"[", b"{")) > MAX_VALUES:
            detail = f"pull_requests.{place} has more than {MAX_VALUES:,} values; no pull request has as many."
            raise RequestRefused(413, detail)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _not_json(f"pull_requests.{place}: {error.msg}", error.pos) from None


def _translate_malformed(message: str, size: int) -> RequestRefused:
    """Translate msgspec's message for bytes that are not JSON."""
    match = _MALFORMED.fullmatch(message)
    return _not_json(match["problem"], int(match["position"])) if match else _not_json("it ends early", size)


def _translate_misformed(message: str) -> FieldProblem:
    """Translate msgspec's message for JSON of another form."""
    match = _MISFORMED.fullmatch(message)
    if match is None:
        return FieldProblem(field="body", problem=message)
    if match["extra"]:
        return FieldProblem(field=format_location([match["name"]]), problem="Extra inputs are not permitted")
    if match["missing"]:
        return FieldProblem(field=match["missing"], problem="Field required")
    problem = _KINDS.get(match["wanted"], message)
    return FieldProblem(field=match["place"] or "body", problem=problem)


def _not_json(problem: str, position: int) -> RequestRefused:
    return RequestRefused(400, f"The body is not valid JSON: {problem}, at position {position}.")


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
    return any({(item, size) for size in SIZE_FIELDS} <= lacking for item, _ in lacking)
