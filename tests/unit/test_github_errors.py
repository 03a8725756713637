"""Translation of GitHub's failures."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from github import GithubException
from requests.exceptions import ConnectTimeout, ReadTimeout

from steps.common.errors import AccessRefused, ConfigurationError, DataError, NotFound, SentinelError
from steps.common.github_errors import (
    InvalidCursorError,
    RepositoryBlocked,
    TransientError,
    Usable,
    read_graphql,
    translate_error,
)
from steps.common.github_limits import DEFAULT_PAUSE_SECONDS, MAX_PAUSE, parse_server_time

ADDRESS = "https://github.example"
GITHUBS_NOW = datetime(
    2020, 5, 5, 5, 5, 5, tzinfo=UTC
)  # long ago: pauses are computed from GitHub's clock, not from this machine's
DATE = {"date": format_datetime(GITHUBS_NOW, usegmt=True)}


def status(code: int, message: str = "", **headers: str) -> TransientError | SentinelError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return translate_error(GithubException(code, {"message": message}, DATE | named), ADDRESS)


def graphql(*errors: Any, data: Any = None, **headers: str) -> TransientError | SentinelError | Usable:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        return read_graphql({"errors": list(errors), "data": data}, DATE | named, ADDRESS)
    except (TransientError, SentinelError) as error:
        return error


def reset(**after: int) -> str:
    return str(int((GITHUBS_NOW + timedelta(**after)).timestamp()))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (status(401, "Bad credentials"), AccessRefused),
        (status(403, "Resource protected by organization SAML enforcement."), AccessRefused),
        (status(404, "Not Found"), ConfigurationError),
        (status(400, "Problems parsing JSON"), DataError),
        (status(451, "Repository access blocked"), RepositoryBlocked),
        (status(407, ""), ConfigurationError),
        (translate_error(RuntimeError("redirected to https"), ADDRESS), ConfigurationError),
        (graphql({"type": "NOT_FOUND", "message": "no a/b"}), NotFound),
        (graphql({"type": "FORBIDDEN", "message": "no"}), AccessRefused),
        (graphql({"type": "INVALID_CURSOR_ARGUMENTS", "message": "`x` is not a valid cursor."}), InvalidCursorError),
        (
            graphql({"message": "Field 'x' doesn't exist on type 'y'", "extensions": {"code": "undefinedField"}}),
            DataError,
        ),
    ],
)
def test_a_permanent_failure_becomes_an_error(found: object, expected: type[SentinelError]) -> None:
    """Its class keeps a workflow from retrying."""
    assert type(found) is expected


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        (status(403, "You have exceeded a secondary rate limit.", retry_after="7"), 7),
        (status(429, "", retry_after="0"), 0),
        (status(403, "API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset=reset(seconds=90)), 91),
        (status(429, "", x_ratelimit_remaining="0", x_ratelimit_reset=reset(seconds=-90)), 1),
        (graphql({"type": "RATE_LIMITED"}, x_ratelimit_remaining="0", x_ratelimit_reset=reset(minutes=2)), 121),
        (graphql({"type": "RATE_LIMIT"}), DEFAULT_PAUSE_SECONDS),
        (status(403, "You have exceeded a secondary rate limit."), DEFAULT_PAUSE_SECONDS),
        (status(429, "", retry_after="soon"), DEFAULT_PAUSE_SECONDS),
        (status(429, "", retry_after=format_datetime(GITHUBS_NOW + timedelta(seconds=9), usegmt=True)), 9),
        (status(403, "", x_ratelimit_remaining="0", x_ratelimit_reset=reset(seconds=30)), 31),
        (status(503, "", retry_after="20"), 20),
        (graphql({"message": "Something went wrong."}, retry_after="20"), 20),
        (status(429, "", x_ratelimit_remaining="0"), DEFAULT_PAUSE_SECONDS),
        (status(429, "", x_ratelimit_remaining="0", x_ratelimit_reset="later"), DEFAULT_PAUSE_SECONDS),
    ],
)
def test_a_rate_limit_names_its_pause(found: object, seconds: float) -> None:
    """From Retry-After, from the reset time on GitHub's clock, or the minute that GitHub asks for at least."""
    assert isinstance(found, TransientError)
    assert found.wait == seconds


@pytest.mark.parametrize(
    ("found", "heavy"),
    [
        (status(500), False),
        (status(502), True),
        (status(503), False),
        (status(504), True),
        (translate_error(ReadTimeout(), ADDRESS), True),
        (translate_error(ConnectTimeout(), ADDRESS), False),
        (translate_error(ValueError(), ADDRESS), False),
        (graphql({"message": "Something went wrong."}), False),
        (graphql({"message": "This may be the result of a timeout."}), True),
        (graphql({"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Too much."}), True),
    ],
)
def test_a_transient_failure_shows_whether_a_smaller_page_may_help(found: object, heavy: bool) -> None:
    """Only a time-out of a heavy query asks for a smaller page."""
    assert isinstance(found, TransientError)
    assert (found.heavy, found.wait) == (heavy, None)


EDGES = ["repository", "pullRequests", "edges"]


@pytest.mark.parametrize(
    ("path", "usable"),
    [
        ([*EDGES, 3, "node", "additions"], True),
        ([*EDGES, 3, "node"], True),
        (["rateLimit"], True),
        (EDGES, False),
        (["repository"], False),
        (None, False),
    ],
)
def test_a_partial_response_is_usable_if_only_single_pull_requests_failed(path: object, usable: bool) -> None:
    """A repository that is null because of a transient failure must not count as missing."""
    found = graphql({"message": "Something went wrong.", "path": path}, data={"repository": {}})
    assert isinstance(found, TransientError)
    assert (found.partial is not None) is usable


def test_a_part_that_is_null_up_to_its_list_is_not_usable() -> None:
    """GraphQL makes the nearest field null that may be null, which can be the repository."""
    failed = graphql({"message": "Something went wrong.", "path": [*EDGES, 3, "node"]}, data={"repository": None})
    assert isinstance(failed, TransientError)
    assert failed.partial is None
    hidden = graphql({"type": "FORBIDDEN", "message": "no", "path": [*EDGES, 3]}, data={"repository": None})
    assert isinstance(hidden, AccessRefused)


def test_a_body_of_any_form_is_translated() -> None:
    """The server may not be GitHub."""
    bodies: list[Any] = [None, [], "text", {"errors": "many"}, {"errors": []}, {"message": None}]
    for body in bodies:
        assert isinstance(translate_error(GithubException(502, body, None), ADDRESS), TransientError)


def test_a_longer_pause_than_the_maximum_is_too_long() -> None:
    """A step does not wait longer than that."""
    assert not TransientError("", wait=MAX_PAUSE.total_seconds()).is_too_long()
    assert TransientError("", wait=MAX_PAUSE.total_seconds() + 1).is_too_long()
    assert not TransientError("").is_too_long()


def test_the_server_time_is_github_s_if_its_header_is_valid() -> None:
    """A wrong clock on this machine changes nothing."""
    assert parse_server_time(DATE) == GITHUBS_NOW
    assert parse_server_time({"date": "Tue, 05 May 2020 05:05:05 -0000"}) == GITHUBS_NOW
    assert parse_server_time({"date": "Tue, 05 May 2020 07:05:05 +0200"}) == GITHUBS_NOW
    for headers in (None, {}, {"date": "noon"}, {"date": ""}, {"date": "1764147600"}):
        assert parse_server_time(headers).tzinfo is not None
