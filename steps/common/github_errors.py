"""Translation of GitHub's failures: transient ones, which a retry may solve, and errors that a person has to fix."""

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from github import GithubException

from steps.common.errors import AccessRefused, ConfigurationError, DataError, NotFound, SentinelError, Unavailable
from steps.common.github_limits import DEFAULT_PAUSE_SECONDS, LIMIT_WORDS, MAX_PAUSE, Headers, parse_pause
from steps.common.graphql_errors import OPTIONAL_ROOTS, PERMANENT_GAPS, GraphQLError, Meaning, read_errors
from steps.common.network_errors import translate_network_error

REQUEST_ERRORS = (
    *(GithubException, OSError, RuntimeError, AssertionError),
    *(ValueError, TypeError, AttributeError, LookupError),
)
"""What a request through PyGithub raises: requests' own errors are OSErrors, RuntimeError and AssertionError are
redirections to other hosts, and the others come from a body that isn't a JSON object."""

RESUME_ADVICE = "Run it again: fetch continues where it stopped."
MAX_MESSAGE_CHARACTERS = 500
_LIMIT = re.compile(LIMIT_WORDS, re.IGNORECASE)
TRANSIENT_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
HEAVY_STATUSES = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
ACCESS_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(words, re.IGNORECASE), advice)
    for words, advice in (
        (r"\bsaml\b", "Authorize the token for the organization (single sign-on)."),
        (r"ip allow list", "Run from an address on the organization's IP allow list."),
        (r"not accessible by|permission", "Grant the token or the App this permission."),
        (r"\blocked\b", "Unlock it, or leave it without a message."),
        (r"archived", "An archived repository takes no messages; unarchive it, or remove its webhook."),
        (r"suspended", "Use the token of an active account."),
    )
)
"""What helps against a refusal, by its words."""


class InvalidCursorError(DataError):
    """GitHub does not know the cursor to continue from."""


class RepositoryBlocked(NotFound):
    """GitHub has disabled a repository, for legal reasons or a violation of its terms."""


class TransientError(Exception):
    """A failed request that may succeed on retry.

    `wait` is the pause in seconds that GitHub asks for, if it does; `heavy` means that a smaller page may help;
    `partial` is the response's usable part if only some items of its lists failed.
    """

    def __init__(
        self, problem: str, *, wait: float | None = None, heavy: bool = False, partial: "Usable | None" = None
    ) -> None:
        self.problem = problem
        self.wait = wait
        self.heavy = heavy
        self.partial = partial
        super().__init__(problem)

    def is_too_long(self) -> bool:
        """Return whether the pause that GitHub asks for is longer than a step waits."""
        return self.wait is not None and self.wait > MAX_PAUSE.total_seconds()

    def to_unavailable(self, api_url: str) -> Unavailable:
        """Return the error to report once the retries are used up."""
        if self.wait is not None:
            until = datetime.now(UTC) + timedelta(seconds=self.wait)
            return Unavailable(
                f"GitHub at {api_url} refuses requests until {until:%Y-%m-%d %H:%M:%S} UTC.", advice=RESUME_ADVICE
            )
        return Unavailable(
            f"GitHub at {api_url} does not answer properly: {self.problem}.",
            advice=f"Check GITHUB_API_URL and the network. {RESUME_ADVICE}",
        )


class QuietPeriod:
    """The time in which a client sends nothing, because a response, be it a success, asks for that."""

    def __init__(self) -> None:
        self._until = 0.0

    def extend(self, pause: float | None) -> None:
        """Send nothing for `pause` seconds; None asks for nothing, and a shorter one ends no longer one."""
        if pause is not None:
            self._until = max(self._until, time.monotonic() + pause)

    def check(self) -> None:
        """Return if a request may be sent.

        Raises:
            TransientError: not yet.
        """
        if (left := self._until - time.monotonic()) > 0:
            raise TransientError("a rate limit holds", wait=left)


class Usable(NamedTuple):
    """The data of a response, and the errors because of which some of it is null."""

    data: Any
    gaps: Sequence[GraphQLError] = ()


def read_graphql(content: Any, headers: Headers, api_url: str) -> Usable:
    """Return the data of a GraphQL response; what the token may not see inside its lists stays null.

    Raises:
        TransientError: a retry may bring all of it.
        SentinelError: a person has to fix it.
    """
    data = content.get("data") if isinstance(content, dict) else None
    if not (errors := read_errors(content)):
        return Usable(data)
    usable = Usable(data, errors) if _is_usable(data, errors) else None
    decisive = [error for error in errors if not (error.is_gap and error.meaning in PERMANENT_GAPS)]
    if usable and not decisive:
        return usable
    raise _translate_graphql_errors(decisive or errors, usable, headers, api_url)


def translate_error(error: Exception, api_url: str) -> TransientError | SentinelError:
    """Return the error that a failed request to the API at `api_url` stands for."""
    if isinstance(error, GithubException):
        return _translate_status(error, api_url)
    if isinstance(error, RuntimeError | AssertionError):
        return ConfigurationError(f"GitHub is not at {api_url}: {error}.", advice="Correct GITHUB_API_URL.")
    if isinstance(error, OSError):
        found = translate_network_error(error, f"GitHub at {api_url}", "GITHUB_API_URL")
        return found if isinstance(found, SentinelError) else TransientError(found.problem, heavy=found.is_slow)
    return TransientError(f"the response can't be read ({type(error).__name__})")


def _is_usable(data: Any, errors: Sequence[GraphQLError]) -> bool:
    """Return whether all errors concern single items of lists, and those lists are there."""
    roots = {error.path[0] for error in errors if error.is_gap} - OPTIONAL_ROOTS
    return (
        isinstance(data, dict)
        and all(error.is_gap for error in errors)
        and all(isinstance(data.get(root), dict) for root in roots)
    )


def _translate_graphql_errors(
    errors: Sequence[GraphQLError], usable: Usable | None, headers: Headers, api_url: str
) -> TransientError | SentinelError:
    meaning = errors[0].meaning
    message = _shorten("; ".join(dict.fromkeys(error.message for error in errors)))
    if meaning is Meaning.LIMIT:
        return TransientError("a rate limit was exceeded", wait=_require_pause(headers))
    if meaning in (Meaning.HEAVY, Meaning.PASSING):
        heavy = meaning is Meaning.HEAVY
        return TransientError(f"GitHub reports: {message}", wait=parse_pause(headers), heavy=heavy, partial=usable)
    return _build_permanent_error(meaning, message, api_url)


def _build_permanent_error(meaning: Meaning, message: str, api_url: str) -> SentinelError:
    if meaning is Meaning.CURSOR:
        return InvalidCursorError(message, advice=RESUME_ADVICE)
    if meaning is Meaning.BLOCKED:
        return _blocked_error(message)
    if meaning is Meaning.HIDDEN:
        return AccessRefused(f"GitHub at {api_url} forbids the query: {message}", advice=_advise(message))
    if meaning is Meaning.MISSING:
        return NotFound(
            message, advice="Check the spelling (owner/name), and that the token has access if it is private."
        )
    return DataError(
        f"GitHub at {api_url} refuses the query: {message}",
        advice="An old GitHub Enterprise Server may lack these fields: upgrade it.",
    )


def _translate_status(error: GithubException, api_url: str) -> TransientError | SentinelError:
    headers, content = error.headers or {}, error.data if isinstance(error.data, dict) else {}
    message, pause = _shorten(str(content.get("message") or "")), parse_pause(headers)
    limited = _LIMIT.search(message) or pause is not None
    if error.status == HTTPStatus.TOO_MANY_REQUESTS or (error.status == HTTPStatus.FORBIDDEN and limited):
        return TransientError("a rate limit was exceeded", wait=_require_pause(headers))
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.status in TRANSIENT_STATUSES:
        heavy = error.status in HEAVY_STATUSES
        return TransientError(f"status {error.status}", wait=pause, heavy=heavy)
    if error.status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS or isinstance(content.get("block"), dict):
        return _blocked_error(_describe_block(content))
    return _translate_refusal(error.status, message, api_url)


def _translate_refusal(status: int, message: str, api_url: str) -> SentinelError:
    if status == HTTPStatus.UNAUTHORIZED:
        return AccessRefused(
            f"GitHub at {api_url} refuses the token.", advice="Set a valid GITHUB_TOKEN; this one may have expired."
        )
    if status == HTTPStatus.FORBIDDEN:
        return AccessRefused(f"GitHub at {api_url} forbids the request: {message}", advice=_advise(message))
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return ConfigurationError(
            f"The proxy on the way to {api_url} asks for a user.", advice="Add user and password to HTTPS_PROXY."
        )
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        return ConfigurationError(
            f"There is no GraphQL API at {api_url}.",
            advice="Set GITHUB_API_URL to https://api.github.com, or to https://HOST/api/v3 for GitHub Enterprise.",
        )
    return DataError(
        f"GitHub at {api_url} returns status {status} to a query: {message}", advice="Check GITHUB_API_URL."
    )


def _describe_block(content: dict[str, Any]) -> str:
    block = content.get("block")
    fields = block if isinstance(block, dict) else {}
    listed = [str(fields[name]) for name in ("reason", "html_url") if fields.get(name)]
    message = str(content.get("message") or "Repository access blocked")
    return _shorten(f"{message} ({', '.join(listed)})" if listed else message)


def _blocked_error(message: str) -> RepositoryBlocked:
    return RepositoryBlocked(
        f"GitHub has blocked this repository: {message}.", advice="Leave it out; only its owner can appeal to GitHub."
    )


def _advise(message: str) -> str:
    """Return what helps against a refusal with these words."""
    return next((advice for words, advice in ACCESS_ADVICE if words.search(message)), "Check the token's scopes.")


def _require_pause(headers: Headers) -> float:
    pause = parse_pause(headers)
    return DEFAULT_PAUSE_SECONDS if pause is None else pause


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE_CHARACTERS else f"{text[:MAX_MESSAGE_CHARACTERS]} …"
