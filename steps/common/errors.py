"""The errors that steps raise on purpose.

SentinelError
├── ConfigurationError        a setting is missing or wrong                          exit 78
├── AccessRefused             a token, role or key is not accepted                   exit 77
├── NotFound                  a repository, bucket, dataset or run does not exist    exit 66
├── DataError                 the data is invalid                                    exit 65
│   ├── TooManyRejected       the share of rejected documents is over its limit
│   └── DamagedArtefact       a file does not have the hash that its manifest lists
└── Unavailable               a service does not answer; a retry may succeed         exit 75
    └── StorageFull           a disk or quota is full

Exit codes follow BSD's sysexits.h. A workflow retries 75 and every code that isn't listed here.
"""

import errno
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


class Unavailable(SentinelError):
    """A service does not answer; a retry may succeed."""

    exit_code = 75


class StorageFull(Unavailable):
    """A disk or quota is full."""


PERMANENT_EXIT_CODES: tuple[int, ...] = tuple(
    error.exit_code for error in (DataError, NotFound, AccessRefused, ConfigurationError)
)
"""Exit codes after which a retry of the same step can't succeed."""


def is_storage_full(error: OSError) -> bool:
    """Return whether the operating system reports a full disk or quota."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}
