"""How well a score finds what it should, with weights, so that injected anomalies count as the share they stand for."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from steps.scoring.arrays import Floats

ANOMALY_SHARE = 0.01
"""Injected anomalies weigh as if they were this share of the real pull requests."""

Bools = NDArray[np.bool_]


def average_precision(wanted: Bools, scores: Floats, weights: Floats) -> float:
    """Area under the precision-recall curve as a step function; equal scores are one step."""
    hits, total = _accumulate(wanted, scores, weights)
    gained = np.diff(hits, prepend=0.0)
    return float((gained * hits / total).sum() / hits[-1])


def roc_auc(wanted: Bools, scores: Floats, weights: Floats) -> float:
    """Probability that something wanted scores above something that isn't; equal scores count half."""
    hits, total = _accumulate(wanted, scores, weights)
    misses = total - hits
    area = np.trapezoid(np.append(0.0, hits), np.append(0.0, misses))
    return float(area / (hits[-1] * misses[-1]))


def precision_recall(wanted: Bools, scores: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Precision and recall at each distinct score, from the highest down."""
    hits, total = _accumulate(wanted, scores, weights)
    return hits / total, hits / hits[-1]


def recall_at(share: float, wanted: Bools, scores: Floats, weights: Floats) -> float:
    """Share of what is wanted among the highest-scored `share` of all; a tie at the edge counts in proportion."""
    hits, total = _accumulate(wanted, scores, weights)
    return float(np.interp(share * total[-1], np.append(0.0, total), np.append(0.0, hits)) / hits[-1])


def f1(wanted: Bools, flagged: Bools, weights: Floats) -> float:
    """Harmonic mean of precision and recall."""
    found = weights[wanted & flagged].sum()
    return float(2 * found / (weights[wanted].sum() + weights[flagged].sum()))


def summary(wanted: Bools, scores: Floats, weights: Floats, threshold: float) -> dict[str, float]:
    """All figures of one detector on one task."""
    return {
        "average_precision": average_precision(wanted, scores, weights),
        "roc_auc": roc_auc(wanted, scores, weights),
        "f1": f1(wanted, scores > threshold, weights),
        "recall_at_1": recall_at(0.01, wanted, scores, weights),
        "recall_at_5": recall_at(0.05, wanted, scores, weights),
        "recall_at_10": recall_at(0.10, wanted, scores, weights),
    }


def _accumulate(wanted: Bools, scores: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the weight of the wanted, and of all, at or above each distinct score, from the highest down."""
    counted = weights > 0
    wanted, scores, weights = wanted[counted], scores[counted], weights[counted]
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    return np.cumsum((weights * wanted)[order])[last], np.cumsum(weights[order])[last]


def injected_precision(kinds: NDArray[np.object_], scores: Floats) -> float:
    """Return the average precision of scores [rows] on all kinds of injected anomalies, evenly; None is a real row."""
    injected = np.array([kind is not None for kind in kinds], dtype=bool)
    return average_precision(injected, scores, task_weights(kinds)["all"])


def task_weights(kinds: NDArray[np.object_]) -> Mapping[str, Floats]:
    """Weights [rows] of each task: `all` kinds evenly, and each kind alone; real rows (kind None) weigh 1.

    A task's anomalies weigh ANOMALY_SHARE of the real rows together; rows of other kinds weigh 0.
    """
    names = sorted({kind for kind in kinds if kind is not None})
    real = np.array([kind is None for kind in kinds])
    budget = ANOMALY_SHARE * real.sum()
    tasks = {name: np.where(real, 1.0, np.where(kinds == name, budget / (kinds == name).sum(), 0.0)) for name in names}
    if not names:
        return {}
    mean = np.mean(list(tasks.values()), axis=0)
    return {"all": mean, **tasks}
