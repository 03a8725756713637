"""The age of a GitHub account by its number: GitHub numbers accounts in order of their creation.

The points are rounded and hold for people and organisations; apps, and so bots, come from the same count.
"""

from bisect import bisect_right
from datetime import UTC, datetime

_POINTS: tuple[tuple[int, int], ...] = (
    (2008, 1),
    (2009, 43_000),
    (2010, 170_000),
    (2011, 540_000),
    (2012, 1_290_000),
    (2013, 3_180_000),
    (2014, 6_290_000),
    (2015, 10_370_000),
    (2016, 16_550_000),
    (2017, 24_840_000),
    (2018, 35_020_000),
    (2019, 46_370_000),
    (2020, 59_470_000),
    (2021, 76_830_000),
    (2022, 96_950_000),
    (2023, 121_800_000),
    (2024, 155_300_000),
    (2025, 193_600_000),
    (2026, 251_000_000),
)
"""About the newest account's number at the beginning of each year."""
_SECONDS = [datetime(year, 1, 1, tzinfo=UTC).timestamp() for year, _ in _POINTS]
_NUMBERS = [number for _, number in _POINTS]


def newest_account(moment: datetime) -> int:
    """Return about the number that an account made at `moment` got; beyond the last point it goes on as before."""
    place = min(max(bisect_right(_SECONDS, moment.timestamp()), 1), len(_POINTS) - 1)
    share = (moment.timestamp() - _SECONDS[place - 1]) / (_SECONDS[place] - _SECONDS[place - 1])
    return max(round(_NUMBERS[place - 1] + share * (_NUMBERS[place] - _NUMBERS[place - 1])), 1)


def account_created(number: int) -> datetime:
    """Return about when the account with this number was made, within some weeks; the inverse of `newest_account`.

    Numbers beyond all that can be are taken for those of tomorrow: twice the last point's is the end.
    """
    bounded = min(number, 2 * _NUMBERS[-1])
    place = min(max(bisect_right(_NUMBERS, bounded), 1), len(_POINTS) - 1)
    share = (bounded - _NUMBERS[place - 1]) / (_NUMBERS[place] - _NUMBERS[place - 1])
    return datetime.fromtimestamp(_SECONDS[place - 1] + share * (_SECONDS[place] - _SECONDS[place - 1]), UTC)
