"""What learns from one pull request at a time does as the slow and plain way would."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steps.scoring.online import RecentCounts, Window

NUMBERS = st.lists(st.floats(0, 40), min_size=1, max_size=60)


@given(NUMBERS, st.integers(1, 20), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.99, 1.0]))
def test_a_window_has_the_quantiles_of_its_latest_numbers(given_in: list[float], most: int, share: float) -> None:
    """To the last bit, as NumPy has them."""
    window = Window(most)
    for end, value in enumerate(given_in, start=1):
        window.append(value)
        assert window.quantile(share) == np.quantile(given_in[:end][-most:], share)
    assert list(window.latest) == given_in[-most:]


def things(*numbers: int) -> Any:
    """Hashes."""
    return np.array(numbers, np.int64)


def counted(*calls: tuple[int, ...], generation: int = 2_000) -> RecentCounts:
    """What was seen, call by call."""
    counts = RecentCounts(64, generation)
    for call in calls:
        counts.update(things(*call))
    return counts


def test_two_things_of_one_place_count_once_in_a_call() -> None:
    """So a share is never above one."""
    counts = counted((1, 65), (1,))
    assert (counts.count(things(1)).tolist(), counts.calls) == ([2], 2)


def test_nothing_can_be_counted() -> None:
    """A title may have no words."""
    counts = counted((1,), ())
    assert (counts.count(things()).tolist(), counts.calls) == ([], 2)


def test_what_was_seen_long_ago_is_forgotten() -> None:
    """After one to two generations, so that no count grows with age."""
    counts = counted((1,), *[(2,)] * 7, generation=4)
    assert counts.calls == 4
    assert counts.count(things(1, 2)).tolist() == [0, 4]


def test_small_counters_stop_at_their_largest_number() -> None:
    """They do not begin again at zero."""
    counts = RecentCounts(8, generation=10_000, most=255)
    for _ in range(300):
        counts.update(things(3))
    assert counts.count(things(3)).tolist() == [255]


def test_counts_add_up() -> None:
    """As if one had seen both."""
    one, both = counted((1, 2)), counted((1, 2), (2, 3))
    one.add(counted((2, 3)))
    assert (one.newer.tolist(), one.calls) == (both.newer.tolist(), both.calls)


@given(NUMBERS, st.integers(1, 20), st.floats(0, 40))
def test_a_window_counts_what_is_at_least_as_large(given_in: list[float], most: int, value: float) -> None:
    """Among its latest numbers alone."""
    window = Window(most)
    window.extend(given_in)
    assert window.count_from(value) == sum(one >= value for one in given_in[-most:])
    assert len(window) == min(len(given_in), most)
