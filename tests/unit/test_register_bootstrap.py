"""The paired bootstrap redraws rows within their kinds, the same way for both models."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from steps.register import bootstrap
from steps.train.metrics import task_weights

KINDS = np.array([None] * 200 + ["a"] * 20 + ["b"] * 40, dtype=object)
PLANTED = np.array([kind is not None for kind in KINDS])


def draw_scores(shift: float, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Scores in steps of a tenth, so that some are equal."""
    return (np.random.default_rng(seed).normal(size=len(KINDS)) + shift * PLANTED).round(1)


def test_each_round_equals_resampling_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scikit-learn on rows drawn with replacement, kind by kind, gives the same gains."""
    monkeypatch.setattr(bootstrap, "ROUNDS", 20)
    first, second = draw_scores(2.0, 1), draw_scores(1.0, 2)
    weights, random = task_weights(KINDS)["all"], np.random.default_rng(bootstrap.SEED)
    expected = []
    for _ in range(20):
        strata = (np.arange(200), np.arange(200, 220), np.arange(220, 260))
        drawn = np.concatenate([members[random.integers(0, len(members), len(members))] for members in strata])
        one, other = (
            average_precision_score(PLANTED[drawn], scores[drawn], sample_weight=weights[drawn])
            for scores in (first, second)
        )
        expected.append(one - other)
    np.testing.assert_allclose(bootstrap.bootstrap_gains(KINDS, first, second), expected, atol=1e-12)


def test_the_same_scores_gain_nothing_in_any_round() -> None:
    """Both models meet the same rows, so that a model compared with itself gives zeros and no noise."""
    assert not bootstrap.bootstrap_gains(KINDS, draw_scores(2.0, 1), draw_scores(2.0, 1)).any()


def test_gains_are_deterministic_and_antisymmetric() -> None:
    """A fixed seed; swapping the models turns every sign."""
    first, second = draw_scores(2.0, 1), draw_scores(1.0, 2)
    there = bootstrap.bootstrap_gains(KINDS, first, second)
    np.testing.assert_array_equal(there, bootstrap.bootstrap_gains(KINDS, first, second))
    np.testing.assert_array_equal(there, -bootstrap.bootstrap_gains(KINDS, second, first))
    assert there.mean() > 0
