"""The form of a pull request in GitHub's REST API, and the reasons why one is unusable."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)

from steps.common import changed_files
from steps.common.changed_files import ChangedFile
from steps.common.normalisation import (
    DEFAULT_TYPE,
    GHOST,
    keep_named,
    normalise_account,
    normalise_repository,
    normalise_state,
    normalise_text,
)
from steps.common.repository_name import RepositoryName

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


def _replace_none_by_ghost(value: Any) -> Any:
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


def _keep_labels(value: Any) -> list[Any]:
    return keep_named(_require_few(value), "name", MAX_TITLE_CHARACTERS)


def _keep_assignees(value: Any) -> list[Any]:
    return keep_named(_require_few(value), "login", MAX_TITLE_CHARACTERS)


def none_if_broken(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return None, for not known, instead of a value that is not valid."""
    try:
        return handler(value)
    except ValidationError:
        return None


def _replace_broken(default: Any) -> WrapValidator:
    """Take a default instead of a value that is not valid."""

    def replace(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            return default

    return WrapValidator(replace)


def _created_if_broken(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Return when it was opened if it is not known when it was updated."""
    known = none_if_broken(value, handler)
    return info.data.get("created_at") if known is None else known


def _describe_entries(words: str, key: str) -> WithJsonSchema:
    """Describe a list of which only its length can make a pull request unusable."""
    entry = {"anyOf": [{"type": "object", "properties": {key: {"type": "string"}}}, {}]}
    return WithJsonSchema(
        {
            "description": f"{words}, at most {MAX_ENTRIES}; what has no `{key}`, and anything else, counts as none",
            "anyOf": [{"type": "array", "maxItems": MAX_ENTRIES, "items": entry}, {"not": {"type": "array"}}],
        }
    )


def _describe(words: str, schema: dict[str, Any]) -> WithJsonSchema:
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

OptionalInstant = Annotated[
    Instant | None,
    WrapValidator(none_if_broken),
    _describe("a date and time with its zone, or null", {"type": ["string", "null"]}),
]

LockReason = Literal["off-topic", "resolved", "spam", "too heated"]

AccountId = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=MAX_ACCOUNT_ID)] | None,
    WrapValidator(none_if_broken),
    _describe("the account's number on GitHub", {"type": "integer", "minimum": 1, "maximum": MAX_ACCOUNT_ID}),
]


class _PullRequestPart(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class User(_PullRequestPart):
    """An account."""

    login: Text
    type: Annotated[
        Text, _replace_broken(DEFAULT_TYPE), _describe("`User`, `Bot` or another kind of account", {"type": "string"})
    ] = DEFAULT_TYPE

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, fields: Any) -> Any:
        return normalise_account(fields)


class PullRequestAuthor(User):
    """An account that opened a pull request, with its number on GitHub where that is known."""

    id: AccountId = None


class Label(_PullRequestPart):
    """A label on a pull request."""

    name: Text


class BaseRepository(_PullRequestPart):
    """A repository by its full name, `owner/name`."""

    full_name: RepositoryName

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, fields: Any) -> Any:
        return normalise_repository(fields)


class Base(_PullRequestPart):
    """The branch that the pull request is to be merged into."""

    ref: Annotated[Text | None, WrapValidator(none_if_broken), _describe("the branch", {"type": "string"})] = None
    repo: BaseRepository


class Head(_PullRequestPart):
    """The branch that the pull request brings in."""

    ref: Text | None = None


def _full_name(branch: Any) -> Any:
    repository = normalise_repository(branch.get("repo")) if isinstance(branch, dict) else None
    return repository.get("full_name") if isinstance(repository, dict) else None


def is_cross_repository(head: Any, base: Any) -> bool | None:
    """Return whether REST's `head` lies in another repository than its `base`; None where that isn't known.

    A head whose repository is gone (null) was in a fork; where it is left out, `label` (owner:branch) has the owner.
    """
    ours = _full_name(base)
    if not isinstance(head, dict) or not isinstance(ours, str):
        return None
    if "repo" not in head:
        owner, colon, _ = head["label"].partition(":") if isinstance(head.get("label"), str) else ("", "", "")
        return owner.lower() != ours.partition("/")[0].lower() if colon else None
    if head["repo"] is None:
        return True
    theirs = _full_name(head)
    return theirs.lower() != ours.lower() if isinstance(theirs, str) else None


class PullRequest(_PullRequestPart):
    """One pull request; what GitHub adds beyond these fields is ignored.

    What no score depends on makes no pull request unusable: broken values become None, the default, or what the others
    say, and entries of lists that are null are dropped. `normalisation` gives one form to what GitHub's interfaces and
    webhooks write differently.
    Whether the head lies in another repository is kept as `cross_repository` alone, which is worked out from
    `head.repo` and `base.repo` where it is not given (REST, webhooks); GraphQL gives it.
    """

    number: Annotated[int, Field(strict=True, ge=1, le=MAX_COUNT)]
    title: Annotated[str, Field(strict=True, max_length=MAX_TITLE_CHARACTERS), BeforeValidator(_normalise_title)]
    body: Annotated[
        str,
        BeforeValidator(
            _replace_none_by_empty, json_schema_input_type=Annotated[str, Field(max_length=MAX_BODY_CHARACTERS)] | None
        ),
        Field(strict=True, max_length=MAX_BODY_CHARACTERS),
    ] = ""
    user: Annotated[
        PullRequestAuthor, BeforeValidator(_replace_none_by_ghost, json_schema_input_type=PullRequestAuthor | None)
    ]
    author_association: Annotated[
        Text, _replace_broken("NONE"), _describe("what the author is there", {"type": "string"})
    ] = "NONE"
    state: Annotated[Literal["open", "closed"], _describe("`open` or `closed`", {"enum": ["open", "closed"]})] = "open"
    draft: Annotated[
        bool, Field(strict=True), _replace_broken(False), _describe("is it a draft?", {"type": "boolean"})
    ] = False
    active_lock_reason: Annotated[
        LockReason | None,
        WrapValidator(none_if_broken),
        _describe("the reason for which its conversation is locked", {"enum": [*get_args(LockReason), None]}),
    ] = None
    created_at: Instant
    updated_at: Annotated[
        Instant,
        WrapValidator(_created_if_broken),
        Field(default=None, validate_default=True),
        _describe("a date and time with its zone", {"type": "string"}),
    ]
    closed_at: OptionalInstant = None
    merged_at: OptionalInstant = None
    additions: Count
    deletions: Count
    changed_files: Count
    commits: Count
    labels: Annotated[
        list[Label],
        BeforeValidator(_keep_labels),
        _describe_entries("its labels", "name"),
    ] = []
    assignees: Annotated[
        list[User],
        BeforeValidator(_keep_assignees),
        _describe_entries("whom it is assigned to", "login"),
    ] = []
    base: Base
    head: Annotated[
        Head | None,
        WrapValidator(none_if_broken),
        _describe(
            "the branch that it brings in, and the repository with that branch (null where it is gone)",
            {"type": "object", "properties": {"ref": {"type": "string"}, "repo": {"type": ["object", "null"]}}},
        ),
    ] = None
    cross_repository: Annotated[
        Annotated[bool, Field(strict=True)] | None,
        WrapValidator(none_if_broken),
        _describe("whether that branch is in another repository, where `head.repo` is left out", {"type": "boolean"}),
    ] = None
    files: Annotated[
        list[ChangedFile] | None, WrapValidator(changed_files.keep_first), WithJsonSchema(changed_files.SCHEMA)
    ] = None
    html_url: Annotated[
        Annotated[str, Field(strict=True, max_length=MAX_TITLE_CHARACTERS)],
        _replace_broken(""),
        _describe("its page", {"type": "string"}),
    ] = ""

    @model_validator(mode="before")
    @classmethod
    def _derive(cls, fields: Any) -> Any:
        """Work out the fields that others decide."""
        if not isinstance(fields, dict):
            return fields
        is_over = bool(fields.get("closed_at") or fields.get("merged_at"))
        derived: dict[str, Any] = {"state": normalise_state(fields.get("state"), is_over=is_over)}
        if fields.get("cross_repository") is None:
            derived["cross_repository"] = is_cross_repository(fields.get("head"), fields.get("base"))
        return fields | derived

    @property
    def id(self) -> str:
        """`owner/name#number`, the document's `_id`."""
        return f"{self.base.repo.full_name}#{self.number}"


def format_reasons(error: ValidationError) -> list[str]:
    """Return which fields are invalid and why, without their values."""
    return [
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False)
    ]
