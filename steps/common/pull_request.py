"""The shape of a pull request as GitHub's REST interface has it, and what makes one unusable."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from steps.common.repository_name import RepositoryName

LARGEST_COUNT = 2**31 - 1
LONGEST_TITLE = 1_024
LONGEST_BODY = 262_144
GHOST = "ghost"
"""GitHub's own stand-in for an author whose account is gone."""
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)
"""How a date and time begin; mere numbers would be read as seconds since 1970."""
_YEARS = "^(?!0001|9999)"
"""In the calendar's first and last year a zone could lead beyond its ends."""


def _instant(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _WRITTEN.match(value)):
        return value
    raise ValueError("must be a date and time with its zone")


def _in_utc(value: datetime) -> datetime:
    if value.year in {MINYEAR, MAXYEAR}:
        raise ValueError(f"must lie within the years {MINYEAR + 1} to {MAXYEAR - 1}")
    return value.astimezone(UTC)


def _none_as_ghost(value: Any) -> Any:
    return {"login": GHOST} if value is None else value


def _none_as_empty(value: Any) -> Any:
    return "" if value is None else value


Count = Annotated[int, Field(strict=True, ge=0, le=LARGEST_COUNT)]
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_instant),
    AfterValidator(_in_utc),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _YEARS}),
]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_TITLE)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class User(_Part):
    """An account."""

    login: Text
    type: Text = "User"


class Label(_Part):
    """A label on a pull request."""

    name: Text


class Repository(_Part):
    """A repository by its full name, `owner/name`."""

    full_name: RepositoryName


class Base(_Part):
    """What the pull request is to be merged into."""

    ref: Text
    repo: Repository


class PullRequest(_Part):
    """One pull request; what GitHub adds beyond these fields is ignored."""

    number: Annotated[int, Field(strict=True, ge=1, le=LARGEST_COUNT)]
    title: Annotated[str, Field(strict=True, max_length=LONGEST_TITLE)]
    body: Annotated[
        str,
        BeforeValidator(_none_as_empty, json_schema_input_type=Annotated[str, Field(max_length=LONGEST_BODY)] | None),
        Field(strict=True, max_length=LONGEST_BODY),
    ] = ""
    user: Annotated[User, BeforeValidator(_none_as_ghost, json_schema_input_type=User | None)]
    author_association: Text = "NONE"
    state: Literal["open", "closed"]
    draft: Annotated[bool, Field(strict=True)] = False
    created_at: Instant
    updated_at: Instant
    closed_at: Instant | None = None
    merged_at: Instant | None = None
    additions: Count
    deletions: Count
    changed_files: Count
    commits: Count
    labels: list[Label] = []
    assignees: list[User] = []
    base: Base
    html_url: Annotated[str, Field(strict=True, max_length=LONGEST_TITLE)] = ""

    @property
    def id(self) -> str:
        """`owner/name#number`, the document's `_id`."""
        return f"{self.base.repo.full_name}#{self.number}"


def reasons(error: ValidationError) -> list[str]:
    """Say which field is wrong and why, without repeating what stood there."""
    return [
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False)
    ]
