"""Thresholds keep the alert budget of each repository, also where its scores move."""

import numpy as np
import pytest

from steps.scoring.thresholds import MIN_SCORES, NEWEST, Limits, Rolling, limits, newest, replay

BUDGET = 0.01
OVERALL = Limits(3.0, 4.0)


def flagged(scores: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Which scores are above the threshold that held for them."""
    held = replay(scores, Rolling.start(BUDGET, OVERALL, before.tolist()))
    return scores > np.array([limit.threshold for limit in held])


@pytest.mark.parametrize("shift", [0.0, -1.0, 0.8])
@pytest.mark.parametrize("seed", range(4))
def test_the_budget_is_kept_over_thousands_within_a_factor_of_two(shift: float, seed: int) -> None:
    """Also where a repository's scores lie below or above all others', and where they moved since training."""
    random = np.random.default_rng(seed)
    scores = random.exponential(0.6, 6_000) + shift * (np.arange(6_000) > 500)
    found = flagged(scores, random.exponential(0.6, 1_000))
    counts = np.convolve(found[2_000:], np.ones(NEWEST), "valid")
    assert BUDGET / 2 <= counts.mean() / NEWEST <= BUDGET * 2
    assert np.mean((counts >= 5) & (counts <= 20)) > 0.9


def test_few_scores_leave_the_threshold_over_all() -> None:
    """They could not tell one in a hundred."""
    few = Rolling.start(BUDGET, OVERALL, [9.0] * (MIN_SCORES - 1))
    assert few.current() == OVERALL
    few.update(9.0, 3.0)
    assert few.current() != OVERALL


def test_a_score_is_judged_before_it_counts() -> None:
    """No score moves its own threshold."""
    rolling = Rolling.start(BUDGET, OVERALL, np.linspace(0, 1, NEWEST).tolist())
    before = rolling.current()
    assert replay(np.array([50.0, 0.0]), rolling)[0] == before


def test_high_is_never_below_the_threshold() -> None:
    """However the two are shrunk."""
    rolling = Rolling.start(BUDGET, Limits(5.0, 5.1), np.zeros(NEWEST).tolist())
    assert rolling.current().high >= rolling.current().threshold


def test_limits_are_quantiles() -> None:
    """A tenth of the budget is high."""
    scores = np.arange(10_001) / 10_000
    assert limits(scores, 0.01) == pytest.approx((0.99, 0.999))


def test_only_the_newest_are_kept() -> None:
    """As many as a window holds."""
    assert newest({"a/b": np.arange(NEWEST + 5.0)}) == {"a/b": np.arange(5.0, NEWEST + 5.0).tolist()}
