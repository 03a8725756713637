"""GitHub's clock and the pauses that it asks for, from the headers of any response."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_PAUSE = timedelta(minutes=15)
"""The longest pause that a step waits for; after a longer one, the workflow retries the step."""

DEFAULT_PAUSE_SECONDS = 60.0
"""Pause for a rate limit that names no end; GitHub asks for at least a minute."""

MAX_PAUSE_SECONDS = timedelta(days=1).total_seconds()
"""A header that names a longer pause than any limit of GitHub's is cut to this."""

LIMIT_WORDS = r"rate limit|abuse detection|submitted too quickly|too many requests"
"""Pattern of the words in which GitHub speaks of a limit, in REST and in GraphQL."""

Headers = Mapping[str, str]
"""Response headers by their names in lower case."""


def parse_server_time(headers: Headers | None) -> datetime:
    """Return GitHub's time, on which its limits and dates are based, or this machine's if there is no valid one."""
    return _parse_date((headers or {}).get("date")) or datetime.now(UTC)


def parse_pause(headers: Headers | None) -> float | None:
    """Return the seconds for which a response, whatever its status, asks to send nothing; None if it doesn't."""
    given = headers or {}
    pause = _parse_retry_after(given)
    if pause is None and given.get("x-ratelimit-remaining", "").strip() == "0":
        pause = _parse_reset(given)
    return None if pause is None else min(max(pause, 0.0), MAX_PAUSE_SECONDS)


def _parse_retry_after(headers: Headers) -> float | None:
    """Return the seconds of Retry-After, which is a number or a date by the server's clock."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until = _parse_date(text)
    return None if until is None else (until - parse_server_time(headers)).total_seconds()


def _parse_reset(headers: Headers) -> float | None:
    try:
        reset = datetime.fromtimestamp(float(headers["x-ratelimit-reset"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None
    return max((reset - parse_server_time(headers)).total_seconds(), 0.0) + 1  # it may end late in that second


def _parse_date(text: str | None) -> datetime | None:
    """Parse a date of HTTP; one without a zone (or with -0000) is in UTC."""
    try:
        moment = parsedate_to_datetime(text or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
