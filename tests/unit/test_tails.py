"""A tail turns values into how rare they were, and stays sane where nothing was seen."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steps.scoring.tails import MAX_BEYOND, Tail, Tails

VALUES = arrays(np.float64, st.integers(1, 300), elements=st.floats(-1e6, 1e6))


def surprises(tail: Tail, asked: Any) -> Any:
    """By one curve alone."""
    return Tails([tail])(np.asarray(asked)[:, None])[:, 0]


def test_surprise_is_the_power_of_ten_of_how_rare_a_value_was() -> None:
    """From the median, one in two, to the last thousandth."""
    seen = np.random.default_rng(1).normal(size=100_000)
    asked = np.linspace(0.0, 3.1, 50)
    rarity = -np.log10([(seen >= value).mean() for value in asked])
    np.testing.assert_allclose(surprises(Tail.fit(seen), asked), rarity, atol=0.02)


@given(VALUES, st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=20))
@example(np.array([0.0, -2e-311]), [0.0, -2e-313])
def test_a_higher_value_is_never_less_surprising(seen: Any, asked: list[float]) -> None:
    """Also across the edge of what was seen."""
    edge = float(seen.max())
    found = surprises(Tail.fit(seen), np.sort([*asked, edge, np.nextafter(edge, np.inf)]))
    assert (np.diff(found) >= -1e-9).all()


@given(VALUES, st.floats(-1e300, 1e300))
def test_surprise_is_finite_and_bounded_for_every_number(seen: Any, asked: float) -> None:
    """A value beyond all that was seen is one in more than were seen, and at most two powers of ten rarer."""
    tail = Tail.fit(seen)
    (surprise,) = surprises(tail, [asked])
    assert surprise + np.log10(1 + 0.5 / len(seen)) >= -1e-9
    assert surprise <= np.log10(len(seen) + 1) + MAX_BEYOND + 1e-9
    if asked > seen.max():
        assert surprise >= np.log10(len(seen) + 1) - 1e-9


@given(VALUES)
def test_a_tail_survives_json_unchanged(seen: Any) -> None:
    """To the last bit, so that a loaded model scores as the trained one did."""
    tail = Tail.fit(seen)
    again = Tail.from_json(json.loads(json.dumps(tail.to_json())))
    asked = np.concatenate([seen, seen + 1.0, seen * 1.5])
    np.testing.assert_array_equal(surprises(again, asked), surprises(tail, asked))


def test_values_that_were_all_the_same_are_no_surprise_and_others_are() -> None:
    """A constant feature has one knot."""
    tail = Tail.fit(np.full(1_000, 2.0))
    same, other = surprises(tail, [2.0, 3.0])
    assert same == pytest.approx(0.0, abs=0.01)
    assert other >= 3.0


def test_curves_side_by_side_are_those_alone() -> None:
    """Column by column."""
    random = np.random.default_rng(4)
    tails = [Tail.fit(random.normal(size=200) * scale) for scale in (1, 10, 100)]
    asked = random.normal(size=(50, 3)) * 80
    alone = np.stack([surprises(tail, column) for tail, column in zip(tails, asked.T, strict=True)], axis=1)
    np.testing.assert_array_equal(Tails(tails)(asked), alone)
