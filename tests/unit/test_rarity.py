"""Rarity is a rank among the latest, blended with what is known of ordinary repositories."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.scoring.prior import Curve, load_prior_curves
from steps.scoring.rarity import (
    ABOVE,
    BY_STRANGERS,
    GRADED,
    PRIOR_ROWS,
    RANKED,
    RARITIES,
    WINDOW,
    RarityWindows,
    blend,
    blend_bounded,
)
from steps.scoring.signals import SIGNALS

HALVING = Curve([0.0, 1.0, 2.0], [0.0, -1.0, -2.0], 1.0)


def filled(values: Any) -> RarityWindows:
    """Windows that have seen these values of every feature."""
    windows = RarityWindows()
    for value in values:
        windows.update(dict.fromkeys(RANKED, float(value)))
    return windows


def test_without_a_past_the_prior_alone_decides() -> None:
    """Whoever has no pull requests yet is compared with ordinary repositories."""
    for name in RANKED:
        value = load_prior_curves()[name].values[-1]
        found = RarityWindows().features(dict.fromkeys(RANKED, value))
        assert found[f"{name}_rarity"] == pytest.approx(-load_prior_curves()[name].log_share(value), abs=1e-4)
        assert found[f"{name}_above"] == 0


def test_at_as_many_rows_as_the_prior_stands_for_both_weigh_the_same() -> None:
    """So 300 pull requests of one's own take over."""
    found = blend(HALVING, 1.0, PRIOR_ROWS // 2, PRIOR_ROWS)
    assert 10**-found == pytest.approx((0.5 + 0.1) / 2)


def test_a_wave_of_strangers_does_not_become_ordinary() -> None:
    """Where a fifth of the latest look like spam, the next one still stands out."""
    plain, bounded = blend(HALVING, 2.0, 200, 1_000), blend_bounded(HALVING, 2.0, 200, 1_000, 0.0)
    assert plain < 1.0 < bounded


@pytest.mark.parametrize("above", [0, 1])
def test_the_first_of_its_kind_is_no_rarer_than_a_window_can_show(above: int) -> None:
    """Whatever the prior claims, its rows hold their part of one in a window."""
    curve = Curve([0.0, 1.0], [0.0, -6.0], 1.0)
    found = blend_bounded(curve, 1.0, above, WINDOW, 1.0 / WINDOW)
    assert 10 ** -(2.0 * found - 6.0) == pytest.approx((above + 20 / 1_000) / 1_020)


def test_only_what_every_repository_has_some_of_is_held_to_its_window() -> None:
    """The first impersonated bot of a thousand stays what it is elsewhere."""
    windows = filled([0.0] * WINDOW)
    found = windows.features(dict.fromkeys(RANKED, 1_000.0))
    for name in BY_STRANGERS:
        curve = load_prior_curves()[name]
        free = blend_bounded(curve, 1_000.0, 0, WINDOW, 0.0)
        assert (found[f"{name}_rarity"] < free) == (name in GRADED)


def test_the_plain_rank_counts_the_latest_only() -> None:
    """A window of a thousand, however old the history is."""
    windows = filled([9.0] * 500 + [1.0] * WINDOW)
    found = windows.features(dict.fromkeys(RANKED, 2.0))
    assert all(found[name] == 0 for name in ABOVE)
    assert found["window_rows"] == WINDOW


def test_what_is_stored_goes_on_the_same() -> None:
    """To the last bit."""
    windows, again = filled(np.random.default_rng(1).normal(size=1_200)), RarityWindows()
    again.from_array(windows.to_array())
    values = dict.fromkeys(RANKED, 1.25)
    assert again.features(values) == windows.features(values)


@given(st.floats(-50, 50), st.floats(0, 50), st.sampled_from(RANKED))
def test_a_higher_value_is_never_commoner(value: float, more: float, name: str) -> None:
    """By every curve that is shipped, with its window and without."""
    windows = filled(np.linspace(-5, 5, 200))
    low, high = (windows.features(dict.fromkeys(RANKED, one)) for one in (value, value + more))
    assert high[f"{name}_rarity"] >= low[f"{name}_rarity"] - 1e-9
    assert math.isfinite(high[f"{name}_rarity"])


def test_every_ranked_feature_has_a_curve_and_serves_a_signal() -> None:
    """None is ranked for nothing, and every sum of several has a curve too."""
    read = {name for signal in SIGNALS for name in signal.weights}
    assert read == set(RARITIES)
    assert {*RANKED, *(f"signal {one.name}" for one in SIGNALS if one.is_sum)} == set(load_prior_curves())
    assert set(RANKED) >= BY_STRANGERS


def test_a_curve_has_the_shares_it_was_fitted_to() -> None:
    """Within a tenth of a power of ten, also of values that are few and far between."""
    random = np.random.default_rng(4)
    parts = [random.exponential(size=9_000), np.log1p(random.poisson(0.3, 9_000))]
    for part in parts:
        curve = Curve.fit([part])
        for share in (0.5, 0.1, 0.01, 0.002):
            value = float(np.quantile(part, 1 - share))
            assert curve.log_share(value) == pytest.approx(math.log10((part >= value).mean()), abs=0.12)
            assert curve.log_shares(np.array([value]))[0] == pytest.approx(curve.log_share(value))


def test_repositories_weigh_by_the_root_of_their_rows() -> None:
    """So one that is a hundred times as large counts ten times as much."""
    curve = Curve.fit([np.zeros(10_000), np.ones(100)])
    assert 10 ** curve.log_share(1.0) == pytest.approx(10 / 110, rel=0.01)
