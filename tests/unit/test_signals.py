"""Signals are sums of rarities, read off a curve; the score is the strongest of them."""

import numpy as np
import pytest

from steps.scoring.prior import Curve
from steps.scoring.signals import SECOND_WEIGHT, Signal, SignalSums, residual_names, total, without

NAMES = ("a", "b", "c")
CURVE = Curve([0.0, 10.0], [0.0, -5.0], 1.0)
PAIR = Signal("pair", {"a": 1.0, "b": 0.5}, {"x": 2.0}, offset=0.25)
SINGLE = Signal("single", {"c": 1.0})


def test_a_sum_is_read_off_its_curve_and_a_single_rarity_is_its_own() -> None:
    """Less the offset; never below none."""
    sums = SignalSums([PAIR, SINGLE], NAMES, {"pair": CURVE})
    found = sums.strengths(np.array([[2.0, 4.0, 1.5], [0.0, 0.0, 0.0]]), np.array([[1.0], [0.0]]))
    np.testing.assert_allclose(found, [[6.0 / 2 - 0.25, 1.5], [0.0, 0.0]])


def test_the_score_is_the_strongest_and_a_little_of_the_second() -> None:
    """So that two hints rank above one."""
    np.testing.assert_allclose(total(np.array([[1.0, 3.0, 2.0]])), [3.0 + SECOND_WEIGHT * 2.0])
    np.testing.assert_allclose(total(np.array([[1.5]])), [1.5])


def test_a_signal_that_needs_a_curve_has_one() -> None:
    """Or nothing is put together."""
    with pytest.raises(KeyError):
        SignalSums([PAIR], NAMES, {})


def test_a_column_that_is_missing_is_refused() -> None:
    """A model of other features would be silent otherwise."""
    with pytest.raises(ValueError, match="not in"):
        SignalSums([SINGLE], ("a", "b"), {})


def test_signals_that_read_a_contradicted_column_are_left_out() -> None:
    """With all their parts, for what is left would not fit the curve."""
    assert without((PAIR, SINGLE), {"b"}) == (SINGLE,)
    assert residual_names((SINGLE,)) == ()
    assert Signal(**PAIR.to_json()) == PAIR
