"""The fields of a pull request: their types and limits, and what stands for a value that is not valid."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from steps.common.normalisation import GHOST, keep_named, normalise_text

MAX_COUNT = 2**31 - 1
MAX_TITLE_CHARACTERS = 1_024
MAX_BODY_CHARACTERS = 262_144
MAX_ACCOUNT_ID = 2**53
MAX_ENTRIES = 100
"""Of labels and of assignees; GitHub allows a hundred labels and ten assignees."""
_DATE_TIME_START = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)
"""The beginning of a date and time; a plain number would be read as seconds since 1970."""
_YEARS = "^(?!0001|9999)"
"""A time zone could move a date in the first or last year out of the calendar."""


def _require_date_time(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE_TIME_START.match(value)):
        return value
    raise ValueError("must be a date and time with its zone")


def _convert_to_utc(value: datetime) -> datetime:
    if value.year in {MINYEAR, MAXYEAR}:
        raise ValueError(f"must lie within the years {MINYEAR + 1} to {MAXYEAR - 1}")
    return value.astimezone(UTC)


def replace_none_by_ghost(value: Any) -> Any:
    """Give a deleted account, null, GitHub's name for it."""
    return {"login": GHOST} if value is None else value


def _normalise_title(value: Any) -> Any:
    return _normalise_within(MAX_TITLE_CHARACTERS, value)


def _normalise_within(most: int, value: Any) -> Any:
    """Leave a text that is too long as it is, to be refused: composed characters would make it shorter."""
    return value if isinstance(value, str) and len(value) > most else normalise_text(value)


def _replace_none_by_empty(value: Any) -> Any:
    return "" if value is None else _normalise_within(MAX_BODY_CHARACTERS, value)


def _require_few(value: Any) -> Any:
    """Refuse a long list, also of what is dropped from it."""
    if isinstance(value, list) and len(value) > MAX_ENTRIES:
        raise ValueError(f"must have at most {MAX_ENTRIES} entries")
    return value


def keep_labels(value: Any) -> list[Any]:
    """Keep the labels that have a name."""
    return keep_named(_require_few(value), "name", MAX_TITLE_CHARACTERS)


def keep_assignees(value: Any) -> list[Any]:
    """Keep the accounts that have a login."""
    return keep_named(_require_few(value), "login", MAX_TITLE_CHARACTERS)


def none_if_broken(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return None, for not known, instead of a value that is not valid."""
    try:
        return handler(value)
    except ValidationError:
        return None


def replace_broken(default: Any) -> WrapValidator:
    """Take a default instead of a value that is not valid."""

    def replace(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            return default

    return WrapValidator(replace)


def created_if_broken(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Return when it was opened if it is not known when it was updated."""
    known = none_if_broken(value, handler)
    return info.data.get("created_at") if known is None else known


def describe_entries(words: str, key: str) -> WithJsonSchema:
    """Describe a list of which only its length can make a pull request unusable."""
    entry = {"anyOf": [{"type": "object", "properties": {key: {"type": "string"}}}, {}]}
    return WithJsonSchema(
        {
            "description": f"{words}, at most {MAX_ENTRIES}; what has no `{key}`, and anything else, counts as none",
            "anyOf": [{"type": "array", "maxItems": MAX_ENTRIES, "items": entry}, {"not": {"type": "array"}}],
        }
    )


def describe(words: str, schema: dict[str, Any]) -> WithJsonSchema:
    """Describe a field that never makes a pull request unusable: what it should be, and that all else is taken."""
    return WithJsonSchema({"description": f"{words}; anything else counts as not known", "anyOf": [schema, {}]})


Count = Annotated[int, Field(strict=True, ge=0, le=MAX_COUNT)]
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_require_date_time),
    AfterValidator(_convert_to_utc),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _YEARS}),
]
Text = Annotated[
    str, Field(strict=True, min_length=1, max_length=MAX_TITLE_CHARACTERS), BeforeValidator(_normalise_title)
]
Title = Annotated[str, Field(strict=True, max_length=MAX_TITLE_CHARACTERS), BeforeValidator(_normalise_title)]
Body = Annotated[
    str,
    BeforeValidator(
        _replace_none_by_empty, json_schema_input_type=Annotated[str, Field(max_length=MAX_BODY_CHARACTERS)] | None
    ),
    Field(strict=True, max_length=MAX_BODY_CHARACTERS),
]
OptionalInstant = Annotated[
    Instant | None,
    WrapValidator(none_if_broken),
    describe("a date and time with its zone, or null", {"type": ["string", "null"]}),
]
AccountId = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=MAX_ACCOUNT_ID)] | None,
    WrapValidator(none_if_broken),
    describe("the account's number on GitHub", {"type": "integer", "minimum": 1, "maximum": MAX_ACCOUNT_ID}),
]
