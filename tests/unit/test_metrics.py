"""The metrics give what scikit-learn gives, with weights and equal scores."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, roc_auc_score

from steps.train import metrics

Task = tuple[Any, Any, Any]


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """What is wanted, scores of which many are equal, and weights of which some are 0; one row wanted and one not."""
    rows = st.tuples(st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, 0.01, 0.3, 1.0, 7.0]))
    drawn = [(True, draw(st.integers(-3, 3)), 0.5), *draw(st.lists(rows, max_size=40)), (False, 0, 1.0)]
    wanted, scores, weights = zip(*draw(st.permutations(drawn)), strict=True)
    return np.array(wanted), np.array(scores, float), np.array(weights)


@given(tasks())
def test_average_precision_is_that_of_scikit_learn(task: Task) -> None:
    """Equal scores are one step."""
    wanted, scores, weights = task
    expected = average_precision_score(wanted, scores, sample_weight=weights)
    assert metrics.average_precision(wanted, scores, weights) == pytest.approx(expected, abs=1e-9)


@given(tasks())
def test_roc_auc_is_that_of_scikit_learn(task: Task) -> None:
    """Equal scores count half."""
    wanted, scores, weights = task
    expected = roc_auc_score(wanted, scores, sample_weight=weights)
    assert metrics.roc_auc(wanted, scores, weights) == pytest.approx(expected, abs=1e-9)


@given(tasks(), st.integers(-3, 2))
def test_f1_is_that_of_scikit_learn(task: Task, threshold: int) -> None:
    """What scores above the threshold is flagged."""
    wanted, scores, weights = task
    expected = f1_score(wanted, scores > threshold, sample_weight=weights)
    assert metrics.f1(wanted, scores > threshold, weights) == pytest.approx(expected, abs=1e-9)
    assert metrics.summary(wanted, scores, weights, threshold)["f1"] == pytest.approx(expected, abs=1e-9)


@given(tasks())
def test_the_curve_is_that_of_scikit_learn(task: Task) -> None:
    """From the highest score down, without the point that scikit-learn adds; rows that weigh nothing have none."""
    wanted, scores, weights = task
    counted = weights > 0
    precision, recall = metrics.precision_recall(wanted, scores, weights)
    expected = precision_recall_curve(wanted[counted], scores[counted], sample_weight=weights[counted])
    np.testing.assert_allclose(precision, expected[0][-2::-1], atol=1e-9)
    np.testing.assert_allclose(recall, expected[1][-2::-1], atol=1e-9)


@given(tasks(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(task: Task, random: Any) -> None:
    """Not even among equal scores."""
    order = list(range(len(task[0])))
    random.shuffle(order)
    there, back = (
        metrics.summary(rows[0], rows[1], rows[2], 0.0) for rows in (task, tuple(part[order] for part in task))
    )
    assert there == pytest.approx(back, abs=1e-9)


def test_recall_at_a_share_counts_the_highest_scored() -> None:
    """Of ten rows, the three highest hold two of the four wanted ones."""
    wanted = np.array([1, 0, 1, 0, 1, 0, 0, 0, 0, 1], bool)
    scores, weights = np.arange(10.0, 0.0, -1.0), np.ones(10)
    found = [metrics.recall_at(share, wanted, scores, weights) for share in (0.1, 0.3, 0.5, 1.0)]
    assert found == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_recall_at_a_share_splits_a_tie_in_proportion() -> None:
    """Where all scores are equal, a tenth of the rows holds a tenth of what is wanted."""
    wanted = np.array([True] * 5 + [False] * 95)
    assert metrics.recall_at(0.1, wanted, np.zeros(100), np.ones(100)) == pytest.approx(0.1)


def test_planted_kinds_weigh_the_same_and_together_their_share() -> None:
    """Two of one kind weigh as much as eight of another; together a hundredth of the real rows, in every task."""
    kinds = np.array([None] * 500 + ["a"] * 2 + ["b"] * 8, dtype=object)
    weights = metrics.task_weights(kinds)
    assert list(weights) == ["all", "a", "b"]
    for task in weights.values():
        assert (task[:500] == 1.0).all()
        assert task[500:].sum() == pytest.approx(500 * metrics.ANOMALY_SHARE)
    assert weights["all"][500:502].sum() == pytest.approx(weights["all"][502:].sum())
    assert weights["a"][502:].sum() == weights["b"][500:502].sum() == 0


def test_without_planted_rows_there_is_no_task() -> None:
    """Nothing to find."""
    assert metrics.task_weights(np.array([None] * 5, dtype=object)) == {}
