"""Every error that a step raises on purpose.

SentinelError
├── ConfigurationError        a setting is missing or wrong                          exit 78
├── AccessRefused             a token, role or key is not accepted                   exit 77
├── NotFound                  a repository, bucket, dataset or run does not exist    exit 66
├── DataError                 what was read can't be used                            exit 65
│   ├── TooManyRejected       the share of rejected documents is over its limit
│   └── DamagedArtefact       a file does not have the hash its manifest names
└── Unavailable               a service does not answer; worth another try           exit 75
    └── StorageFull           a disk or quota is full

Exit codes are those of BSD's sysexits.h. A workflow retries 75 and what it doesn't know, and nothing else.
"""

from typing import ClassVar


class SentinelError(Exception):
    """Something that a person can mend: what was wrong, where, and what to do about it."""

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
    """Something named in the input does not exist, or can't be seen."""

    exit_code = 66


class DataError(SentinelError):
    """What was read can't be used."""

    exit_code = 65


class TooManyRejected(DataError):
    """The share of rejected documents is over its limit."""


class DamagedArtefact(DataError):
    """A file does not have the hash that its manifest names."""


class Unavailable(SentinelError):
    """A service does not answer; another try may succeed."""

    exit_code = 75


class StorageFull(Unavailable):
    """A disk or a quota is full."""


PERMANENT_EXIT_CODES: tuple[int, ...] = tuple(
    error.exit_code for error in (DataError, NotFound, AccessRefused, ConfigurationError)
)
"""Exit codes after which another try of the same step can't succeed."""
