"""The errors that steps raise on purpose.

SentinelError
├── ConfigurationError        a setting is missing or wrong                          exit 78
├── AccessRefused             a token, role or key is not accepted                   exit 77
├── NotFound                  a repository, bucket, dataset or run does not exist    exit 66
├── DataError                 the data is invalid                                    exit 65
│   ├── TooManyRejected       the share of rejected documents is over its limit
│   └── DamagedArtefact       a file does not have the hash that its manifest lists
└── Unavailable               a service does not answer; a retry may succeed         exit 75
    └── StorageFull           a disk, store or quota is full; a retry fails alike    exit 74

Exit codes follow BSD's sysexits.h. A workflow retries 75 and every code that isn't listed here.
"""

import errno
import re
from collections.abc import Iterator
from typing import ClassVar


class SentinelError(Exception):
    """An error that a person can fix: what was wrong, where, and what to do about it."""

    exit_code: ClassVar[int] = 70

    def __init__(self, problem: str, *, advice: str) -> None:
        self.problem = problem
        self.advice = advice
        super().__init__(f"{problem} {advice}")


class ConfigurationError(SentinelError):
    """A setting is missing or wrong."""

    exit_code = 78


class AccessRefused(SentinelError):
    """A token, role or key is not accepted."""

    exit_code = 77


class NotFound(SentinelError):
    """Something named in the input does not exist or is not visible."""

    exit_code = 66


class DataError(SentinelError):
    """The data is invalid."""

    exit_code = 65


class TooManyRejected(DataError):
    """The share of rejected documents is over its limit."""


class DamagedArtefact(DataError):
    """A file does not have the hash that its manifest lists."""


class OtherVersion(DataError):
    """What was written by an earlier or later version of this code, whole but not readable for this one."""


class Unavailable(SentinelError):
    """A service does not answer; a retry may succeed."""

    exit_code = 75


class StorageFull(Unavailable):
    """A disk, store or quota is full; a retry fails alike until a person has made room."""

    exit_code = 74


PERMANENT_EXIT_CODES: tuple[int, ...] = tuple(
    error.exit_code for error in (DataError, NotFound, StorageFull, AccessRefused, ConfigurationError)
)
"""Exit codes after which a retry of the same step can't succeed."""


def is_storage_full(error: OSError) -> bool:
    """Return whether the operating system reports a full disk or quota."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


_FULL = re.compile(r"no space left|disk is full|out of disk ?space|disk quota exceeded|space quota", re.IGNORECASE)
_OWNERS = {
    "pymongo": "MongoDB",
    "sqlite3": "The database of MLflow",
    "sqlalchemy": "The database of MLflow",
    "mlflow": "MLflow",
    "py4j": "Spark",
    "pyspark": "Spark",
    "botocore": "The store",
}
"""What is full, by the package whose error says so."""
_ADVICE = "Free some space, or raise the quota, and run it again."
_MAX_CHAIN = 8


def mentions_storage_full(text: str) -> bool:
    """Return whether a program's words say that a disk or quota is full."""
    return _FULL.search(text) is not None


def find_storage_full(error: BaseException) -> StorageFull | None:
    """Return the error for a full disk, store or quota that an error, or one behind it, comes from; else None.

    Errors of our own don't count by their words, which may quote those of others.
    """
    for each in iterate_chain(error):
        if isinstance(each, StorageFull):
            return each
        if isinstance(each, OSError) and is_storage_full(each):
            place = f"for {each.filename}" if each.filename else "on this machine's disk"
            return StorageFull(f"No space left {place}.", advice=_ADVICE)
        if not isinstance(each, SentinelError) and mentions_storage_full(str(each)):
            owner = _OWNERS.get(type(each).__module__.partition(".")[0], "This machine's disk")
            return StorageFull(f"{owner} has no space left.", advice=_ADVICE)
    return None


def iterate_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those behind it."""
    current: BaseException | None = error
    for _ in range(_MAX_CHAIN):
        if current is None:
            return
        yield current
        current = current.__cause__ or current.__context__
