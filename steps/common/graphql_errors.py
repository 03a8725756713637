"""The meaning of the errors in a GraphQL response of GitHub's, and the data that they leave usable."""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

from steps.common.github_limits import LIMIT_WORDS


class Meaning(Enum):
    """What an error says about the query, in order of precedence when a response has several."""

    LIMIT = auto()
    """Too many requests: nothing may be sent for a while."""
    CURSOR = auto()
    """GitHub does not know the cursor to continue from."""
    INVALID = auto()
    """The query itself is refused; no retry can help."""
    BLOCKED = auto()
    """GitHub has disabled the repository, for legal reasons or a violation of its terms."""
    HIDDEN = auto()
    """The token may not see it."""
    MISSING = auto()
    """It does not exist, or the token can't see that it does."""
    HEAVY = auto()
    """The query takes too long; a smaller page may help."""
    PASSING = auto()
    """GitHub has failed; a retry may succeed."""


WORDS: tuple[tuple[Meaning, re.Pattern[str]], ...] = tuple(
    (meaning, re.compile(pattern, re.IGNORECASE))
    for meaning, pattern in (
        (
            Meaning.INVALID,
            r"doesn't exist on type|doesn't accept argument|isn't a defined|can't be a fragment condition|^parse error"
            r"|provided invalid value|has an invalid value|missing required argument|must have selections|but not used",
        ),
        (Meaning.CURSOR, r"not (appear to be )?a valid cursor"),
        (Meaning.LIMIT, LIMIT_WORDS),
        (Meaning.HEAVY, r"time-?d? ?out|\bin time\b|resource limits|node limit|requests up to [\d,]+ possible nodes"),
        (Meaning.PASSING, r"something went wrong|temporarily|service unavailable|internal (server )?error"),
        (Meaning.BLOCKED, r"access (has been )?blocked|repository .*\b(dmca|disabled)\b"),
        (
            Meaning.HIDDEN,
            r"\bsaml\b|ip allow list|not accessible by|not been granted|forbids access|must have .*access",
        ),
        (Meaning.MISSING, r"could not resolve to"),
    )
)
"""The words of messages; they come before the type, which GitHub does not always give, nor always the same."""

TYPES: Mapping[str, Meaning] = {
    "RATE_LIMITED": Meaning.LIMIT,
    "RATE_LIMIT": Meaning.LIMIT,
    "INVALID_CURSOR_ARGUMENTS": Meaning.CURSOR,
    "FORBIDDEN": Meaning.HIDDEN,
    "INSUFFICIENT_SCOPES": Meaning.HIDDEN,
    "UNAUTHORIZED": Meaning.HIDDEN,
    "SAML_FAILURE": Meaning.HIDDEN,
    "NOT_FOUND": Meaning.MISSING,
    "RESOURCE_LIMITS_EXCEEDED": Meaning.HEAVY,
    "MAX_NODE_LIMIT_EXCEEDED": Meaning.HEAVY,
    "TIMEOUT": Meaning.HEAVY,
    "SERVICE_UNAVAILABLE": Meaning.PASSING,
    "INTERNAL": Meaning.PASSING,
    "INTERNAL_ERROR": Meaning.PASSING,
    "INTERNAL_SERVER_ERROR": Meaning.PASSING,
    "STALE_DATA": Meaning.PASSING,
}
"""The types of errors; another one is INVALID, and none is PASSING."""

PERMANENT_GAPS = frozenset({Meaning.HIDDEN, Meaning.MISSING, Meaning.BLOCKED})
"""Meanings of what stays null, whoever asks again."""
OPTIONAL_ROOTS = frozenset({"rateLimit"})
"""Fields of a query that its sender can do without."""


class GraphQLError(NamedTuple):
    """One error: its meaning, GitHub's words, and the place in the data that is null because of it."""

    meaning: Meaning
    message: str
    path: tuple[str | int, ...] = ()

    @property
    def is_gap(self) -> bool:
        """True if it leaves the other items of a list as they are."""
        return any(isinstance(part, int) for part in self.path) or bool(OPTIONAL_ROOTS.intersection(self.path[:1]))


def read_errors(content: Any) -> list[GraphQLError]:
    """Return the errors of a response, the most important first; whatever form they have, none is lost."""
    listed = content.get("errors") if isinstance(content, dict) else None
    items = listed if isinstance(listed, list) else [listed] if listed else []
    return sorted(map(_read_error, items), key=lambda error: error.meaning.value)


def _read_error(item: Any) -> GraphQLError:
    fields: dict[str, Any] = item if isinstance(item, dict) else {"message": item}
    message = str(fields.get("message") or "no message")
    path = fields.get("path")
    parts = tuple(part for part in path if isinstance(part, str | int)) if isinstance(path, list) else ()
    return GraphQLError(_find_meaning(fields, message), _name_field(fields, message), parts)


def _find_meaning(fields: dict[str, Any], message: str) -> Meaning:
    extensions = fields.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    kind = fields.get("type") or code
    known = TYPES.get(kind.upper()) if isinstance(kind, str) else None
    if code and not fields.get("type"):
        return known or Meaning.INVALID  # errors of validation have a code and no type
    for meaning, words in WORDS:
        if words.search(message):
            return meaning
    return known or (Meaning.INVALID if kind else Meaning.PASSING)


def _name_field(fields: dict[str, Any], message: str) -> str:
    """Return the message, with the field that the server lacks if the message does not name it."""
    extensions = fields.get("extensions")
    name = extensions.get("fieldName") if isinstance(extensions, dict) else None
    return message if not isinstance(name, str) or name in message else f"{message} (field {name})"
