"""The files that a pull request changes, by GitHub's REST names; bounded, and never a reason to refuse it."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
)
from typing_extensions import TypedDict

from steps.common.normalisation import normalise_text

MAX_FILES = 100
"""Files kept of a pull request: as many as GitHub lists at once."""
MAX_PATH = 1_024
"""Characters kept of a path; a longer one is cut, so that nobody hides a list behind it."""
MAX_LINES = 2**31 - 1

Status = Literal["added", "modified", "removed", "renamed", "copied", "changed", "unchanged"]
LETTERS: dict[str, str] = {
    "added": "A",
    "modified": "M",
    "removed": "D",
    "renamed": "R",
    "copied": "C",
    "changed": "T",
    "unchanged": "U",
}
"""What became of a file, in one letter as Git has it."""
STATUSES = {letter: status for status, letter in LETTERS.items()}

_Lines = Annotated[int, Field(strict=True, ge=0, le=MAX_LINES)]


class ChangedFile(TypedDict):
    """One file: its path, what became of it, and the lines added and deleted (0 for binary files)."""

    filename: Annotated[str, StringConstraints(strict=True, min_length=1), BeforeValidator(normalise_text)]
    status: Status
    additions: _Lines
    deletions: _Lines


SCHEMA: dict[str, Any] = {
    "description": (
        f"the changed files as `GET /pulls/N/files` lists them; the first {MAX_FILES} are looked at. "
        "Anything else counts as not known."
    ),
    "anyOf": [
        {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["filename", "status", "additions", "deletions"],
                "properties": {
                    "filename": {"type": "string", "minLength": 1},
                    "status": {"type": "string", "enum": list(LETTERS)},
                    "additions": {"type": "integer", "minimum": 0, "maximum": MAX_LINES},
                    "deletions": {"type": "integer", "minimum": 0, "maximum": MAX_LINES},
                },
            },
        },
        {},
    ],
}
"""How the list is described to callers, who may send anything."""


def keep_first(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> list[ChangedFile] | None:
    """Return the first MAX_FILES files of a list; None, for not known, where they can't be read.

    An empty list is one that GitHub could not work out, unless `changed_files`, validated before, is 0 too.
    """
    if not isinstance(value, list):
        return None
    try:
        files: list[ChangedFile] = handler(value[:MAX_FILES])
    except ValidationError:
        return None
    if not files and info.data.get("changed_files"):
        return None
    return [{**file, "filename": file["filename"][:MAX_PATH]} for file in files]


def to_rows(files: Sequence[ChangedFile] | None) -> list[dict[str, Any]] | None:
    """Turn files into the structs of a row: path, additions, deletions, and the status as one letter."""
    if files is None:
        return None
    return [
        {
            "path": file["filename"],
            "additions": file["additions"],
            "deletions": file["deletions"],
            "status": LETTERS[file["status"]],
        }
        for file in files
    ]


def from_rows(rows: Sequence[dict[str, Any]] | None) -> list[ChangedFile] | None:
    """Turn the structs of a row back into files by GitHub's REST names."""
    if rows is None:
        return None
    return [
        ChangedFile(
            filename=row["path"],
            status=STATUSES[row["status"]],  # type: ignore[typeddict-item]
            additions=row["additions"],
            deletions=row["deletions"],
        )
        for row in rows
    ]
