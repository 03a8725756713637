"""A watched repository's own rules for alerts, `.github/pr-sentinel.yml`: how it is read, and what it mutes."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator

from steps.common.pull_request import PullRequest, format_reasons
from steps.scoring.signals import SIGNALS

PATH = ".github/pr-sentinel.yml"
MAX_BYTES = 16 * 1_024
MAX_DEPTH = 8
MAX_ENTRIES = 50
MAX_CHARACTERS = 200
MAX_ANY_FOLDERS = 4
"""Times that a glob may say `**`."""
MAX_FOLDERS = 64
"""Folders of a path that a glob is compared with; a deeper one matches nothing."""
MAX_WEEKLY_ALERTS = 100
MIN_SHARE, MAX_SHARE = 0.001, 0.1
MAX_PROBLEMS = 5
"""Problems of a file that are named."""
KINDS = tuple(signal.name for signal in SIGNALS)

Mode = Literal["off", "record", "check", "comment"]


class PolicyError(ValueError):
    """A file that is not valid; the message names its first problems, and none of its values."""


def _require_kind(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"is not one of {', '.join(KINDS)}")
    return name


def _check_glob(glob: str) -> str:
    if glob.split("/").count("**") > MAX_ANY_FOLDERS:
        raise ValueError(f"has more than {MAX_ANY_FOLDERS} parts that are **")
    return glob


Entry = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]
Glob = Annotated[Entry, AfterValidator(_check_glob)]
Kind = Annotated[str, AfterValidator(_require_kind), WithJsonSchema({"type": "string", "enum": list(KINDS)})]


class _PolicyPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, fields: Any) -> Any:
        """Drop fields without a value (`mute:` and nothing below it), so that their defaults hold."""
        return {name: value for name, value in fields.items() if value != ""} if isinstance(fields, dict) else fields


class Mutes(_PolicyPart):
    """Pull requests and reasons that raise no alert; they are scored and recorded as any other."""

    authors: Annotated[
        tuple[Entry, ...],
        Field(max_length=MAX_ENTRIES, description="logins, in any case; those of apps end in `[bot]`"),
    ] = ()
    paths: Annotated[
        tuple[Glob, ...],
        Field(
            max_length=MAX_ENTRIES,
            description="globs: a pull request is muted if each of its files matches one of them. `*` and `?` stay "
            "within a folder, `**` stands for any number of folders. Pull requests with more than 100 files, and "
            "renamed files, whose former path is not known, are never muted so",
        ),
    ] = ()
    labels: Annotated[tuple[Entry, ...], Field(max_length=MAX_ENTRIES, description="labels, in any case")] = ()
    reasons: Annotated[
        tuple[Kind, ...],
        Field(
            max_length=MAX_ENTRIES,
            description="kinds of reasons: a pull request raises an alert only if it is unusual without them",
        ),
    ] = ()


class AlertPolicy(_PolicyPart):
    """The rules of one repository; what it leaves out is as the service is set up."""

    mode: Annotated[
        Mode | None,
        Field(
            description="`off`: pull requests are not even scored; `record`: they are, and nothing is published; "
            "`check`, `comment`: how alerts are published, if the service can. Without an App there are no check "
            "runs, and without a token check runs instead of comments. A service that only records publishes nothing, "
            "whatever the file says"
        ),
    ] = None
    weekly_alerts: Annotated[
        int | None,
        Field(ge=0, le=MAX_WEEKLY_ALERTS, description="most alerts in one week"),
    ] = None
    alert_budget: Annotated[
        float | None,
        Field(
            ge=MIN_SHARE,
            le=MAX_SHARE,
            allow_inf_nan=False,
            description="share of the pull requests that should be flagged; default: that of the model",
        ),
    ] = None
    mute: Annotated[Mutes, Field(description="what raises no alert")] = Mutes()


DEFAULT_POLICY = AlertPolicy()


class _StrictLoader(yaml.BaseLoader):  # type: ignore[misc]  # PyYAML has no types
    """A YAML loader whose values are all texts, so that `off` is a word; without aliases, which could multiply."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node.

        Raises:
            yaml.YAMLError: it is an alias, or too deep.
        """
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        if self.depth >= MAX_DEPTH:
            raise yaml.YAMLError("it is nested too deeply")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Construct a mapping.

        Raises:
            yaml.YAMLError: a key appears twice, or is not a text.
        """
        names = [key.value for key, _ in node.value]
        if any(not isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise yaml.YAMLError("a key appears twice, or is not a text")
        return dict(super().construct_mapping(node, deep=deep))


def parse(content: bytes) -> AlertPolicy:
    """Parse the content of the file; an empty one holds the defaults.

    Raises:
        PolicyError: it is too large, not YAML, or has unknown fields or values.
    """
    if len(content) > MAX_BYTES:
        raise PolicyError(f"it has more than {MAX_BYTES:,} bytes")
    try:
        found = yaml.load(content.decode(), Loader=_StrictLoader)  # noqa: S506 - it makes texts, lists and mappings only
    except UnicodeDecodeError:
        raise PolicyError("it is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise PolicyError(f"it is not valid YAML{line}") from None
    except yaml.YAMLError as error:
        reason = "" if isinstance(error, yaml.reader.ReaderError) else f": {error}"
        raise PolicyError(f"it is not valid YAML{reason}") from None
    if found is None or found == "":
        return DEFAULT_POLICY
    try:
        return AlertPolicy.model_validate(found)
    except ValidationError as error:
        raise PolicyError("; ".join(_cut(reason) for reason in format_reasons(error)[:MAX_PROBLEMS])) from None


def _cut(reason: str) -> str:
    """Cut a problem to a length that fits a sentence: its field may be any text."""
    return reason if len(reason) <= 2 * MAX_CHARACTERS else f"{reason[: 2 * MAX_CHARACTERS]}…"


def find_mute(mutes: Mutes, pull: PullRequest) -> str | None:
    """Return the field of `mute` that mutes a pull request whatever its reasons are; None if none does."""
    if pull.user.login.lower() in {name.lower() for name in mutes.authors}:
        return "authors"
    if {label.name.lower() for label in pull.labels} & {name.lower() for name in mutes.labels}:
        return "labels"
    return "paths" if mutes.paths and _is_within(pull, mutes.paths) else None


def _is_within(pull: PullRequest, globs: Sequence[str]) -> bool:
    """Return True if every file of a pull request is known and matches a glob."""
    files = pull.files or []
    if not files or len(files) != pull.changed_files:
        return False
    return all(file["status"] != "renamed" and any(matches(glob, file["filename"]) for glob in globs) for file in files)


def matches(glob: str, path: str) -> bool:
    """Return True if a path matches a glob, in time that grows with the product of their lengths and no faster.

    `fnmatch` matches within a folder; which folders a `**` stands for is followed for all of them at once.
    """
    parts, names = glob.strip("/").split("/"), path.split("/")
    if len(names) > MAX_FOLDERS:
        return False
    places = _skip_any(parts, {0})
    for name in names:
        ahead = {place + 1 for place in places if place < len(parts) and _matches_name(parts[place], name)}
        stay = {place for place in places if place < len(parts) and parts[place] == "**"}
        places = _skip_any(parts, ahead | stay)
    return len(parts) in places


def _matches_name(part: str, name: str) -> bool:
    return part == "**" or fnmatchcase(name, part)


def _skip_any(parts: Sequence[str], places: set[int]) -> set[int]:
    """Add the places that are reached where a `**` stands for no folder; the last one stands for one at least."""
    found = set(places)
    for place in range(len(parts) - 1):
        if place in found and parts[place] == "**":
            found.add(place + 1)
    return found
