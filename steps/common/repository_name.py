"""The full name of a repository on GitHub, `owner/name`."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from steps.common.errors import ConfigurationError

PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+"
MAX_CHARACTERS = 256


def is_repository_name(text: str) -> bool:
    """Return whether the text has the form of a full name; GitHub has no repository named `.` or `..`."""
    return re.fullmatch(PATTERN, text) is not None and text.rpartition("/")[2] not in {".", ".."}


def check_repository_name(text: str) -> None:
    """Raise a ConfigurationError unless the text has the form of a full name."""
    if not is_repository_name(text):
        raise ConfigurationError(f"{text!r} is not a repository name.", advice="It has the form owner/name.")


def _validate(text: str) -> str:
    if not is_repository_name(text):
        raise ValueError("must be owner/name")
    return text


RepositoryName = Annotated[
    str,
    Field(
        strict=True,
        pattern=f"^{PATTERN}$",
        max_length=MAX_CHARACTERS,
        # pydantic's own patterns know no look-ahead, but callers should read that `.` and `..` are none
        json_schema_extra={"pattern": r"^[A-Za-z0-9][A-Za-z0-9_-]*/(?!\.{1,2}$)[A-Za-z0-9._-]+$"},
    ),
    AfterValidator(_validate),
]
