"""Translation of GitHub's failures: transient ones, which a retry may solve, and errors that a person has to fix."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from github import GithubException
from requests.exceptions import ReadTimeout, RequestException
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from steps.common.errors import AccessRefused, ConfigurationError, DataError, NotFound, SentinelError, Unavailable

MAX_PAUSE = timedelta(minutes=15)
"""The longest pause that a step waits for; after a longer one, the workflow retries the step."""

DEFAULT_PAUSE_SECONDS = 60
"""Pause for a rate limit that names no end; GitHub asks for at least a minute."""

ACCESS_ERROR_TYPES = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES", "UNAUTHORIZED", "SAML_FAILURE"})
RESUME_ADVICE = "Run it again: fetch continues where it stopped."


class InvalidCursorError(DataError):
    """GitHub does not know the cursor to continue from."""


class TransientError(Exception):
    """A failed request that may succeed on retry.

    `wait` is the pause in seconds that GitHub asks for, if it does; `heavy` means that a smaller page may help;
    `partial` is the response's data if only some of its pull requests failed.
    """

    def __init__(
        self, problem: str, *, wait: float | None = None, heavy: bool = False, partial: dict[str, Any] | None = None
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


def parse_server_time(headers: Mapping[str, str] | None) -> datetime:
    """Return GitHub's time, on which its limits and dates are based, or this machine's if the header is missing."""
    try:
        return parsedate_to_datetime((headers or {})["date"])
    except (KeyError, ValueError):
        return datetime.now(UTC)


def translate_error(error: Exception, api_url: str) -> TransientError | SentinelError:
    """Return the error that a failed request to the API at `api_url` stands for."""
    if isinstance(error, GithubException):
        errors = error.data.get("errors") if isinstance(error.data, dict) else None
        if error.status in (400, 404) and isinstance(errors, list) and errors:
            return _translate_graphql_errors(error, [item for item in errors if isinstance(item, dict)], api_url)
        return _translate_status(error, api_url)
    if isinstance(error, RuntimeError):
        return ConfigurationError(f"GitHub is not at {api_url}: {error}.", advice="Correct GITHUB_API_URL.")
    if isinstance(error, RequestException):
        return TransientError(
            f"the response was cut off or never came ({type(error).__name__})", heavy=isinstance(error, ReadTimeout)
        )
    return TransientError(f"the response can't be read ({type(error).__name__})")


def _translate_status(error: GithubException, api_url: str) -> TransientError | SentinelError:
    message = error.data.get("message", "") if isinstance(error.data, dict) else ""
    if error.status == HTTPStatus.UNAUTHORIZED:
        return AccessRefused(
            f"GitHub at {api_url} refuses the token.", advice="Set a valid GITHUB_TOKEN; this one may have expired."
        )
    headers = error.headers or {}
    limited = "retry-after" in headers or "rate limit" in str(message).lower()
    if error.status == HTTPStatus.TOO_MANY_REQUESTS or (error.status == HTTPStatus.FORBIDDEN and limited):
        return TransientError("a rate limit was exceeded", wait=_parse_pause(headers))
    if error.status == HTTPStatus.FORBIDDEN:
        return AccessRefused(f"GitHub at {api_url} forbids the request: {message}", advice="Check the token's scopes.")
    if error.status == HTTPStatus.NOT_FOUND:
        return ConfigurationError(
            f"There is no GraphQL API at {api_url}.",
            advice="Set GITHUB_API_URL to https://api.github.com, or to https://HOST/api/v3 for GitHub Enterprise.",
        )
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        heavy = error.status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
        return TransientError(f"status {error.status}", heavy=heavy)
    return DataError(
        f"GitHub at {api_url} returns status {error.status} to a query: {message}", advice="Check GITHUB_API_URL."
    )


def _translate_graphql_errors(
    error: GithubException, errors: list[dict[str, Any]], api_url: str
) -> TransientError | SentinelError:
    kinds = {str(item["type"]) for item in errors if item.get("type")}
    message = "; ".join(str(item.get("message", "")) for item in errors)
    if any(kind.startswith("RATE_LIMIT") for kind in kinds):
        return TransientError("the token's rate limit is used up", wait=_parse_pause(error.headers or {}))
    if "NOT_FOUND" in kinds:
        return NotFound(
            message, advice="Check the spelling (owner/name), and that the token has access if it is private."
        )
    if kinds & ACCESS_ERROR_TYPES:
        return AccessRefused(f"GitHub at {api_url} forbids the query: {message}", advice="Check the token's scopes.")
    if "valid cursor" in message:
        return InvalidCursorError(message, advice=RESUME_ADVICE)
    if "RESOURCE_LIMITS_EXCEEDED" in kinds or not kinds:
        heavy = bool(kinds) or "timeout" in message
        partial = error.data.get("data") if all(_is_node_error(item.get("path")) for item in errors) else None
        return TransientError(f"GitHub reports: {message}", heavy=heavy, partial=partial)
    return DataError(
        f"GitHub at {api_url} refuses the query: {message}", advice="An old GitHub Enterprise may lack these fields."
    )


def _is_node_error(path: Any) -> bool:
    """Return whether an error concerns a single pull request of the page."""
    return isinstance(path, list) and path[:3] == ["repository", "pullRequests", "edges"] and path[4:5] == ["node"]


def _parse_pause(headers: Mapping[str, str]) -> float:
    """Return the seconds until the limit ends, from the headers (in lower case)."""
    try:
        if "retry-after" in headers:
            return Retry().parse_retry_after(headers["retry-after"])
        if headers.get("x-ratelimit-remaining") == "0":
            reset = datetime.fromtimestamp(int(headers["x-ratelimit-reset"]), UTC)
            return max((reset - parse_server_time(headers)).total_seconds(), 0) + 1  # it may end late in that second
    except (InvalidHeader, KeyError, ValueError):
        pass
    return DEFAULT_PAUSE_SECONDS
