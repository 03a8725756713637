"""Accounts of the synthetic people: numbers that grow with the day of their creation."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random

NEWEST = (
    (datetime(2023, 9, 1, tzinfo=UTC), 143_000_000),
    (datetime(2025, 1, 1, tzinfo=UTC), 193_000_000),
    (datetime(2026, 1, 1, tzinfo=UTC), 251_000_000),
    (datetime(2026, 9, 1, tzinfo=UTC), 290_000_000),
)
"""The approximate newest number on some days."""
OLDEST = 20_000
NEW_SHARE = {"dev": 0.06, "visitor": 0.8}
"""Shares of people whose account is only days old when they open their first pull request."""
NEW_DAYS = 20


def estimate_newest(moment: datetime) -> int:
    """Return the approximate number of an account created at this moment."""
    place = min(max(bisect_right(NEWEST, moment, key=lambda point: point[0]), 1), len(NEWEST) - 1)
    (before, low), (after, high) = NEWEST[place - 1], NEWEST[place]
    return low + round((high - low) * ((moment - before) / (after - before)))


def assign_numbers(first_seen: Mapping[str, datetime], seed: int, old: Iterable[str] = ()) -> dict[str, int]:
    """Assign every login an account number by when it is first seen; `old` ones have old accounts."""
    settled = set(old)
    return {login: _assign_number(login, moment, seed, login in settled) for login, moment in first_seen.items()}


def _assign_number(login: str, moment: datetime, seed: int, settled: bool) -> int:
    random = Random(f"{seed} account {login}")  # noqa: S311 - nothing here is secret
    end = estimate_newest(moment - timedelta(days=random.uniform(0, NEW_DAYS)))
    new = random.random() < NEW_SHARE.get(login.partition("-")[0], 0.0)
    return end if new and not settled else round(OLDEST + (end - OLDEST) * random.random() ** 1.5)
