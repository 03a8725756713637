"""The form of a pull request in GitHub's REST API, and the reasons why one is unusable."""

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)

from steps.common import changed_files
from steps.common.changed_files import ChangedFile
from steps.common.fields import (
    MAX_COUNT,
    MAX_TITLE_CHARACTERS,
    AccountId,
    Body,
    Count,
    Instant,
    OptionalInstant,
    Text,
    Title,
    created_if_broken,
    describe,
    describe_entries,
    keep_assignees,
    keep_labels,
    none_if_broken,
    replace_broken,
    replace_none_by_ghost,
)
from steps.common.normalisation import DEFAULT_TYPE, normalise_account, normalise_repository, normalise_state
from steps.common.repository_name import RepositoryName

LockReason = Literal["off-topic", "resolved", "spam", "too heated"]


class _PullRequestPart(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class User(_PullRequestPart):
    """An account."""

    login: Text
    type: Annotated[
        Text, replace_broken(DEFAULT_TYPE), describe("`User`, `Bot` or another kind of account", {"type": "string"})
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

    ref: Annotated[Text | None, WrapValidator(none_if_broken), describe("the branch", {"type": "string"})] = None
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
    title: Title
    body: Body = ""
    user: Annotated[
        PullRequestAuthor, BeforeValidator(replace_none_by_ghost, json_schema_input_type=PullRequestAuthor | None)
    ]
    author_association: Annotated[
        Text, replace_broken("NONE"), describe("what the author is there", {"type": "string"})
    ] = "NONE"
    state: Annotated[Literal["open", "closed"], describe("`open` or `closed`", {"enum": ["open", "closed"]})] = "open"
    draft: Annotated[
        bool, Field(strict=True), replace_broken(False), describe("is it a draft?", {"type": "boolean"})
    ] = False
    active_lock_reason: Annotated[
        LockReason | None,
        WrapValidator(none_if_broken),
        describe("the reason for which its conversation is locked", {"enum": [*get_args(LockReason), None]}),
    ] = None
    created_at: Instant
    updated_at: Annotated[
        Instant,
        WrapValidator(created_if_broken),
        Field(default=None, validate_default=True),
        describe("a date and time with its zone", {"type": "string"}),
    ]
    closed_at: OptionalInstant = None
    merged_at: OptionalInstant = None
    additions: Count
    deletions: Count
    changed_files: Count
    commits: Count
    labels: Annotated[
        list[Label],
        BeforeValidator(keep_labels),
        describe_entries("its labels", "name"),
    ] = []
    assignees: Annotated[
        list[User],
        BeforeValidator(keep_assignees),
        describe_entries("whom it is assigned to", "login"),
    ] = []
    base: Base
    head: Annotated[
        Head | None,
        WrapValidator(none_if_broken),
        describe(
            "the branch that it brings in, and the repository with that branch (null where it is gone)",
            {"type": "object", "properties": {"ref": {"type": "string"}, "repo": {"type": ["object", "null"]}}},
        ),
    ] = None
    cross_repository: Annotated[
        Annotated[bool, Field(strict=True)] | None,
        WrapValidator(none_if_broken),
        describe("whether that branch is in another repository, where `head.repo` is left out", {"type": "boolean"}),
    ] = None
    files: Annotated[
        list[ChangedFile] | None, WrapValidator(changed_files.keep_first), WithJsonSchema(changed_files.SCHEMA)
    ] = None
    html_url: Annotated[
        Annotated[str, Field(strict=True, max_length=MAX_TITLE_CHARACTERS)],
        replace_broken(""),
        describe("its page", {"type": "string"}),
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
