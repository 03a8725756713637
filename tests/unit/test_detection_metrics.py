"""The benchmark's figures are those of scikit-learn, and none of the ways in which they could flatter is open."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.detection.metrics import (
    MIN_POSITIVES,
    RESAMPLES,
    WINDOW,
    Estimate,
    Ranking,
    average_precision,
    figures,
    flagged_share,
    measure,
    precision_at,
    recall_at,
    roc_auc,
    share_of,
)

Floats = NDArray[np.float64]

scores = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=30).map(np.array)


def random() -> np.random.Generator:
    """The same draws each time."""
    return np.random.default_rng(5)


def as_rows(positives: Floats, negatives: Floats) -> tuple[Floats, Floats]:
    """Truth and scores as scikit-learn wants them."""
    return np.repeat([1.0, 0.0], [len(positives), len(negatives)]), np.concatenate([positives, negatives])


@settings(deadline=None)
@given(scores, scores)
def test_average_precision_and_auc_are_those_of_scikit_learn(positives: Floats, negatives: Floats) -> None:
    """With many equal scores."""
    truth, values = as_rows(positives, negatives)
    plain = Ranking.build([positives], negatives).plain()
    assert average_precision(*plain)[0] == pytest.approx(average_precision_score(truth, values))
    assert roc_auc(*plain)[0] == pytest.approx(roc_auc_score(truth, values))


@settings(deadline=None)
@given(scores, scores, scores)
def test_weighted_strata_are_those_of_scikit_learn(first: Floats, second: Floats, negatives: Floats) -> None:
    """Two kinds share 1 % of the negatives' weight evenly, however many each has."""
    truth, values = as_rows(np.concatenate([first, second]), negatives)
    even = 0.01 * len(negatives) / 2
    weights = np.repeat([even / len(first), even / len(second), 1.0], [len(first), len(second), len(negatives)])
    plain = Ranking.build([first, second], negatives, 0.01).plain()
    expected = average_precision_score(truth, values, sample_weight=weights)
    assert average_precision(*plain)[0] == pytest.approx(expected)


def test_equal_scores_are_not_resolved_in_favour_of_positives() -> None:
    """A detector that gives everything one score is as good as chance, not perfect."""
    plain = Ranking.build([np.zeros(10)], np.zeros(990)).plain()
    assert average_precision(*plain)[0] == pytest.approx(0.01)
    assert roc_auc(*plain)[0] == pytest.approx(0.5)
    assert recall_at(0.05, *plain)[0] == pytest.approx(0.05)
    assert precision_at(0.05, *plain)[0] == pytest.approx(0.01)


def test_recall_counts_the_top_of_all_not_of_the_negatives() -> None:
    """Ten positives at the top fill the whole top 1 % of a thousand."""
    plain = Ranking.build([np.arange(10.0) + 10], np.zeros(990)).plain()
    assert recall_at(0.01, *plain)[0] == pytest.approx(1.0)
    assert recall_at(0.005, *plain)[0] == pytest.approx(0.5)
    assert precision_at(0.01, *plain)[0] == pytest.approx(1.0)
    assert precision_at(0.05, *plain)[0] == pytest.approx(0.2)


def test_a_negative_above_all_positives_costs() -> None:
    """One false alarm before the only hit halves the precision."""
    plain = Ranking.build([np.array([1.0])], np.array([2.0, 0.0])).plain()
    assert average_precision(*plain)[0] == pytest.approx(0.5)


@pytest.mark.parametrize(("positives", "negatives"), [([], [1.0, 2.0]), ([1.0], [])])
def test_nothing_to_find_gives_no_figure(positives: list[float], negatives: list[float]) -> None:
    """Neither 1.0 nor 0.0."""
    found = measure(Ranking.build([np.array(positives)], np.array(negatives)), random())
    assert found.keys() == figures().keys()
    assert set(found.values()) == {None}


@pytest.mark.parametrize("count", [1, MIN_POSITIVES - 1])
def test_few_positives_give_no_interval(count: int) -> None:
    """Drawn from one positive, every sample is the same and the interval would be narrow without meaning anything."""
    found = measure(Ranking.build([np.full(count, 3.0)], np.arange(100.0)), random())
    assert all(estimate is not None and estimate.low is None and estimate.high is None for estimate in found.values())


def test_an_interval_holds_the_figure_and_grows_with_fewer_positives() -> None:
    """Over positives and negatives that overlap."""
    draws = np.random.default_rng(1)
    negatives = draws.normal(size=5_000)
    widths = []
    for count in (10, 1_000):
        estimate = measure(Ranking.build([draws.normal(1.5, size=count)], negatives), random())["roc_auc"]
        assert estimate is not None
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low <= estimate.value <= estimate.high
        widths.append(estimate.high - estimate.low)
    assert widths[0] > 3 * widths[1]


def test_negatives_are_drawn_too() -> None:
    """All positives are equal, so whatever varies comes from the negatives."""
    found = measure(Ranking.build([np.full(20, 2.0)], np.random.default_rng(2).normal(size=200)), random())
    estimate = found["average_precision"]
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.high - estimate.low > 0.01


def test_a_resample_keeps_the_size_of_every_stratum() -> None:
    """However the draw falls, kinds and negatives weigh what they weighed."""
    ranking = Ranking.build([np.arange(7.0), np.arange(30.0)], np.arange(50.0), 0.01)
    hits, misses = ranking.resample(random(), RESAMPLES)
    np.testing.assert_allclose(hits.sum(axis=1), 0.5)
    np.testing.assert_allclose(misses.sum(axis=1), 50)


def test_the_vectorised_interval_is_that_of_a_plain_loop() -> None:
    """Draw rows one by one and ask scikit-learn."""
    draws = np.random.default_rng(3)
    positives, negatives = draws.normal(1, size=60).round(1), draws.normal(size=400).round(1)
    looped = []
    for _ in range(RESAMPLES):
        truth, values = as_rows(draws.choice(positives, 60), draws.choice(negatives, 400))
        looped.append(average_precision_score(truth, values))
    estimate = measure(Ranking.build([positives], negatives), random())["average_precision"]
    assert estimate is not None
    assert (estimate.low, estimate.high) == pytest.approx(tuple(np.quantile(looped, (0.05, 0.95))), abs=0.02)


def test_a_score_that_is_not_a_number_is_refused() -> None:
    """It would be sorted to some end without anybody noticing."""
    with pytest.raises(ValueError, match="not a number"):
        Ranking.build([np.array([np.nan])], np.array([1.0]))


def test_the_worst_window_is_found_where_the_share_over_all_is_right() -> None:
    """A burst of 50 among 5,000 is 1 % over all and 5 % in its window."""
    flags = np.zeros(5_000, bool)
    flags[2_300:2_350] = True
    found = flagged_share(flags, random())
    assert found["share"]["value"] == pytest.approx(0.01)
    assert found["highest"] == pytest.approx(50 / WINDOW)
    assert found["lowest"] == 0.0


def test_fewer_than_a_window_are_one_window() -> None:
    """And none at all have no share."""
    found = flagged_share(np.array([True, False, False, False]), random())
    assert found["highest"] == found["lowest"] == 0.25
    assert flagged_share(np.zeros(0, bool), random())["share"] is None


def test_a_share_of_no_cases_is_none() -> None:
    """Not 100 %; one of few has no interval."""
    assert share_of(0, 0, random()) is None
    assert share_of(2, 2, random()) == Estimate(1.0)
    several = share_of(30, 60, random())
    assert several is not None
    ends = (several.low or 0.0, several.value, several.high or 0.0)
    assert all(before < after for before, after in pairwise(ends))
