"""What GitHub's failures mean."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from github import GithubException
from requests.exceptions import ConnectTimeout, ReadTimeout

from steps.common.errors import AccessRefused, ConfigurationError, DataError, NotFound, SentinelError
from steps.common.github_errors import (
    DEFAULT_PAUSE_SECONDS,
    MAX_PAUSE,
    InvalidCursorError,
    TransientError,
    parse_server_time,
    translate_error,
)

ADDRESS = "https://github.example"
GITHUBS_NOW = datetime(
    2020, 5, 5, 5, 5, 5, tzinfo=UTC
)  # long ago: the pause is reckoned by GitHub's clock, not by ours
DATE = {"date": format_datetime(GITHUBS_NOW, usegmt=True)}


def status(code: int, message: str = "", **headers: str) -> TransientError | SentinelError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return translate_error(GithubException(code, {"message": message}, DATE | named), ADDRESS)


def graphql(*errors: dict[str, Any], data: Any = None, **headers: str) -> TransientError | SentinelError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return translate_error(GithubException(400, {"errors": list(errors), "data": data}, DATE | named), ADDRESS)


def reset(**after: int) -> str:
    return str(int((GITHUBS_NOW + timedelta(**after)).timestamp()))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (status(401, "Bad credentials"), AccessRefused),
        (status(403, "Resource protected by organization SAML enforcement."), AccessRefused),
        (status(404, "Not Found"), ConfigurationError),
        (status(400, "Problems parsing JSON"), DataError),
        (translate_error(RuntimeError("redirected to https"), ADDRESS), ConfigurationError),
        (graphql({"type": "NOT_FOUND", "message": "no a/b"}), NotFound),
        (graphql({"type": "FORBIDDEN", "message": "no"}), AccessRefused),
        (graphql({"type": "INVALID_CURSOR_ARGUMENTS", "message": "`x` is not a valid cursor."}), InvalidCursorError),
        (graphql({"type": "undefinedField", "message": "Field 'x' doesn't exist"}), DataError),
    ],
)
def test_what_no_further_try_can_mend_is_an_error(found: object, expected: type[SentinelError]) -> None:
    """Each with the class that tells a workflow not to try again."""
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
        (status(429, "", x_ratelimit_remaining="0"), DEFAULT_PAUSE_SECONDS),
        (status(429, "", x_ratelimit_remaining="0", x_ratelimit_reset="later"), DEFAULT_PAUSE_SECONDS),
    ],
)
def test_a_limit_is_waited_out_as_long_as_it_says(found: object, seconds: float) -> None:
    """By Retry-After, by the reset of the budget on GitHub's clock, or by the minute that GitHub asks for at least."""
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
def test_what_another_try_may_mend_says_whether_to_ask_for_less(found: object, heavy: bool) -> None:
    """Timeouts of a heavy query are answered by a smaller page, other failures by patience alone."""
    assert isinstance(found, TransientError)
    assert (found.heavy, found.wait) == (heavy, None)


EDGES = ["repository", "pullRequests", "edges"]


@pytest.mark.parametrize(
    ("path", "usable"),
    [
        ([*EDGES, 3, "node", "additions"], True),
        ([*EDGES, 3, "node"], True),
        (EDGES, False),
        (["repository"], False),
        (None, False),
    ],
)
def test_an_answer_with_gaps_is_usable_where_only_single_pull_requests_failed(path: object, usable: bool) -> None:
    """A repository that came to nothing over a passing failure must not be taken for one that doesn't exist."""
    found = graphql({"message": "Something went wrong.", "path": path}, data={"repository": None})
    assert isinstance(found, TransientError)
    assert (found.partial is not None) is usable


def test_a_body_of_any_form_is_understood() -> None:
    """Not all that answers is GitHub."""
    for body in (None, [], "text", {"errors": "many"}, {"errors": []}, {"message": None}):
        assert isinstance(translate_error(GithubException(502, body, None), ADDRESS), TransientError)


def test_a_limit_is_sat_out_up_to_a_bound() -> None:
    """A step that would sleep longer gives its place to others."""
    assert not TransientError("", wait=MAX_PAUSE.total_seconds()).is_too_long()
    assert TransientError("", wait=MAX_PAUSE.total_seconds() + 1).is_too_long()
    assert not TransientError("").is_too_long()


def test_the_time_is_githubs_where_it_is_told() -> None:
    """A clock that is wrong on this machine changes nothing."""
    assert parse_server_time(DATE) == GITHUBS_NOW
    for headers in (None, {}, {"date": "noon"}):
        assert parse_server_time(headers).tzinfo is not None
