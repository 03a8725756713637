"""How old accounts are by their numbers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import accounts as samples
from steps.common.accounts import account_created, newest_account

MOMENTS = st.integers(1_200_000_000, 1_830_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(MOMENTS)
def test_a_number_tells_when_its_account_was_made(moment: datetime) -> None:
    """Within a day of the moment that the number belongs to, once there are more than a few accounts a day."""
    assert abs(account_created(newest_account(moment)) - moment) < timedelta(days=1)


@given(st.lists(MOMENTS, min_size=2))
def test_numbers_grow_with_time(moments: list[datetime]) -> None:
    """A later account has no smaller number."""
    numbers = [newest_account(moment) for moment in sorted(moments)]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("number", [-5, 0, 1, 2**31, 2**53])
def test_a_number_that_cannot_be_has_a_date_too(number: int) -> None:
    """Whatever somebody sends, no error comes of it."""
    assert 2007 <= account_created(number).year < 2035


def test_the_synthetic_accounts_are_as_old_as_they_seem() -> None:
    """Within three months of what the product takes them for."""
    for moment, number in samples.NEWEST:
        assert abs(account_created(number) - moment) < timedelta(days=90)
