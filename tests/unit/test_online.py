"""What learns from one pull request at a time does as the slow and plain way would."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.scoring.online import Counts, Window, rarity, unseen

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


def counted(*calls: tuple[int, ...]) -> Counts:
    """What was seen, call by call."""
    counts = Counts(64)
    for call in calls:
        counts.update(things(*call))
    return counts


def test_two_things_of_one_place_count_once_in_a_call() -> None:
    """So a share is never above one."""
    counts = counted((1, 65), (1,))
    assert (counts.of(things(1)).tolist(), counts.total) == ([2], 2)


def test_what_is_seen_more_often_has_the_larger_share() -> None:
    """With half a count for what was never seen."""
    counts = counted((1, 2), (1,), (1,))
    shares = np.exp(counts.logs(counts.of(things(1, 2, 3))))
    assert shares.tolist() == pytest.approx([3.5 / 4, 1.5 / 4, 0.5 / 4])
    assert unseen(counts.of(things(1, 2, 3, 4))) == 0.5


def test_nothing_is_neither_rare_nor_unseen() -> None:
    """A title may have no words; that is no negative zero either, which a file would hold."""
    none = counted((1,)).of(things())
    assert (str(rarity(np.empty(0))), str(unseen(none))) == ("0.0", "0.0")


def test_things_belong_where_they_are_common() -> None:
    """Those that are common in both places, or seldom in either, tell nothing."""
    here, there = counted((1,), (1,), (2,)), counted((1,), (1,), (3,), (3,), (4,))

    def odds(*numbers: int) -> float:
        return there.odds(things(*numbers), here.logs(here.of(things(*numbers))))

    assert odds(3) > 0.0
    assert (odds(1), odds(2), odds(4), odds()) == (0.0, 0.0, 0.0, 0.0)


def test_counts_add_up() -> None:
    """As if one had seen both."""
    one, both = counted((1, 2)), counted((1, 2), (2, 3))
    one.add(counted((2, 3)))
    assert (one.seen.tolist(), one.total) == (both.seen.tolist(), both.total)
