"""Quantiles of the past, by which a score gets its percentile."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steps.scoring.distribution import MIN_ROWS, Distributions, fit

SCORES = arrays(np.float64, st.integers(1, 300), elements=st.floats(0, 30))


def test_a_repository_with_few_pull_requests_is_judged_by_all() -> None:
    """Below the least number it has no distribution of its own."""
    owners = ["big/one"] * MIN_ROWS + ["small/one"] * (MIN_ROWS - 1)
    scores = np.concatenate([np.full(MIN_ROWS, 1.0), np.full(MIN_ROWS - 1, 5.0)])
    found = Distributions(fit(scores, owners))
    assert found.of("big/one").known
    assert not found.of("small/one").known
    assert found.percentile(2.0, "big/one") == 100.0
    assert found.percentile(2.0, "small/one") < 60.0


@given(SCORES, st.lists(st.floats(-1, 40), min_size=2, max_size=20))
def test_a_higher_score_never_has_a_lower_percentile(past: Any, asked: list[float]) -> None:
    """And all of them lie between none and all."""
    found = Distributions(fit(past, ["a/b"] * len(past)))
    percentiles = [found.percentile(score, "a/b") for score in sorted(asked)]
    assert percentiles == sorted(percentiles)
    assert all(0.0 <= percentile <= 100.0 for percentile in percentiles)
    assert found.percentile(float(past.max()) + 1e-6, "a/b") == 100.0
    assert found.percentile(float(past.min()) - 1e-6, "a/b") == 0.0


def test_scores_that_were_all_the_same_are_lower_than_none_of_themselves() -> None:
    """What equals all of the past is above nothing."""
    found = Distributions(fit(np.full(100, 2.0), ["a/b"] * 100))
    assert [found.percentile(score, "a/b") for score in (1.9, 2.0, 2.1)] == [0.0, 0.0, 100.0]
