"""What an answer that is none means: to be mended by a person, or by asking again."""

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

PATIENCE = timedelta(minutes=15)
"""The longest pause that a step sits out; beyond it the workflow tries again later."""

UNANNOUNCED_SECONDS = 60
"""How long to wait out a limit that doesn't say for how long it holds; GitHub asks for a minute at least."""

REFUSED_TYPES = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES", "UNAUTHORIZED", "SAML_FAILURE"})
GOES_ON = "Run it again: fetch goes on where it stopped."


class CursorRefused(DataError):
    """GitHub does not know the place after which to go on."""


class Obstacle(Exception):
    """A request that failed in a way the next one may not.

    `wait` is in seconds, where GitHub asks for a pause; `heavy` says that asking for less may help; `partial` is the
    answer's data where single pull requests failed and the rest is whole.
    """

    def __init__(
        self, problem: str, *, wait: float | None = None, heavy: bool = False, partial: dict[str, Any] | None = None
    ) -> None:
        self.problem = problem
        self.wait = wait
        self.heavy = heavy
        self.partial = partial
        super().__init__(problem)

    def too_long(self) -> bool:
        """Whether the pause that GitHub asks for is longer than a step should sit out."""
        return self.wait is not None and self.wait > PATIENCE.total_seconds()

    def given_up(self, address: str) -> Unavailable:
        """The error for a person, once asking again was no help."""
        if self.wait is not None:
            until = datetime.now(UTC) + timedelta(seconds=self.wait)
            return Unavailable(
                f"GitHub at {address} refuses requests until {until:%Y-%m-%d %H:%M:%S} UTC.", advice=GOES_ON
            )
        return Unavailable(
            f"GitHub at {address} does not answer as it should: {self.problem}.",
            advice=f"Check GITHUB_API_URL and the network. {GOES_ON}",
        )


def server_time(headers: Mapping[str, str] | None) -> datetime:
    """The time by GitHub's clock, which decides about its limits and dates; by this machine's where it isn't told."""
    try:
        return parsedate_to_datetime((headers or {})["date"])
    except (KeyError, ValueError):
        return datetime.now(UTC)


def understand(error: Exception, address: str) -> Obstacle | SentinelError:
    """Say what a failed request means; `address` is GitHub's."""
    if isinstance(error, GithubException):
        errors = error.data.get("errors") if isinstance(error.data, dict) else None
        if error.status in (400, 404) and isinstance(errors, list) and errors:
            return _from_graphql(error, [item for item in errors if isinstance(item, dict)], address)
        return _from_status(error, address)
    if isinstance(error, RuntimeError):
        return ConfigurationError(f"GitHub is not at {address}: {error}.", advice="Correct GITHUB_API_URL.")
    if isinstance(error, RequestException):
        return Obstacle(
            f"the answer broke off or never came ({type(error).__name__})", heavy=isinstance(error, ReadTimeout)
        )
    return Obstacle(f"the answer can't be read ({type(error).__name__})")


def _from_status(error: GithubException, address: str) -> Obstacle | SentinelError:
    message = error.data.get("message", "") if isinstance(error.data, dict) else ""
    if error.status == HTTPStatus.UNAUTHORIZED:
        return AccessRefused(
            f"GitHub at {address} refuses the token.", advice="Give a valid one in GITHUB_TOKEN; it may have expired."
        )
    headers = error.headers or {}
    limited = "retry-after" in headers or "rate limit" in str(message).lower()
    if error.status == HTTPStatus.TOO_MANY_REQUESTS or (error.status == HTTPStatus.FORBIDDEN and limited):
        return Obstacle("a rate limit holds", wait=_pause(headers))
    if error.status == HTTPStatus.FORBIDDEN:
        return AccessRefused(f"GitHub at {address} forbids the request: {message}", advice="Check the token's rights.")
    if error.status == HTTPStatus.NOT_FOUND:
        return ConfigurationError(
            f"There is no GraphQL interface at {address}.",
            advice="GITHUB_API_URL is https://api.github.com, or https://HOST/api/v3 of a GitHub Enterprise.",
        )
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        heavy = error.status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
        return Obstacle(f"status {error.status}", heavy=heavy)
    return DataError(f"GitHub at {address} answers {error.status} to a query: {message}", advice="Is it GitHub's API?")


def _from_graphql(error: GithubException, errors: list[dict[str, Any]], address: str) -> Obstacle | SentinelError:
    kinds = {str(item["type"]) for item in errors if item.get("type")}
    message = "; ".join(str(item.get("message", "")) for item in errors)
    if any(kind.startswith("RATE_LIMIT") for kind in kinds):
        return Obstacle("the token's budget is used up", wait=_pause(error.headers or {}))
    if "NOT_FOUND" in kinds:
        return NotFound(
            message, advice="Check its spelling (owner/name), and that the token may see it if it is private."
        )
    if kinds & REFUSED_TYPES:
        return AccessRefused(f"GitHub at {address} forbids the query: {message}", advice="Check the token's rights.")
    if "valid cursor" in message:
        return CursorRefused(message, advice=GOES_ON)
    if "RESOURCE_LIMITS_EXCEEDED" in kinds or not kinds:
        heavy = bool(kinds) or "timeout" in message
        partial = error.data.get("data") if all(_is_of_one_node(item.get("path")) for item in errors) else None
        return Obstacle(f"GitHub says: {message}", heavy=heavy, partial=partial)
    return DataError(f"GitHub at {address} refuses the query: {message}", advice="Is it an old GitHub Enterprise?")


def _is_of_one_node(path: Any) -> bool:
    """Whether an error leaves a gap in the place of one pull request only."""
    return isinstance(path, list) and path[:3] == ["repository", "pullRequests", "edges"] and path[4:5] == ["node"]


def _pause(headers: Mapping[str, str]) -> float:
    """Seconds until the limit ends, as the headers (lower case) tell it."""
    try:
        if "retry-after" in headers:
            return Retry().parse_retry_after(headers["retry-after"])
        if headers.get("x-ratelimit-remaining") == "0":
            reset = datetime.fromtimestamp(int(headers["x-ratelimit-reset"]), UTC)
            return max((reset - server_time(headers)).total_seconds(), 0) + 1  # the end may be anywhere in that second
    except (InvalidHeader, KeyError, ValueError):
        pass
    return UNANNOUNCED_SECONDS
