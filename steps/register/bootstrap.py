"""A paired bootstrap of the gain in average precision over the rows that both models scored."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from steps.scoring.arrays import Floats
from steps.train.metrics import average_precision, task_weights

ROUNDS = 1_000
SEED = 7


def bootstrap_gains(kinds: NDArray[np.object_], challenger: Floats, champion: Floats) -> Floats:
    """Return the challenger's gain in average precision over the champion in `ROUNDS` resamples of the rows [rounds].

    Resampling is stratified by `kinds` (None for real rows), so that kinds weigh evenly in every resample. The result
    is deterministic.
    """
    random = np.random.default_rng(SEED)
    injected = np.array([kind is not None for kind in kinds])
    labels = np.array([kind or "" for kind in kinds])
    strata = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    weights = task_weights(kinds)["all"]
    first, second = (_RankedRows.from_scores(injected, scores) for scores in (challenger, champion))
    out = np.empty(ROUNDS)
    for place in range(ROUNDS):
        drawn = weights * _draw_counts(strata, len(kinds), random)
        out[place] = first.precision(drawn) - second.precision(drawn)
    return out


class _RankedRows(NamedTuple):
    """Rows sorted by score: sorting them again in each round costs next to nothing."""

    order: NDArray[np.intp]
    injected: NDArray[np.bool_]
    scores: Floats

    @classmethod
    def from_scores(cls, injected: NDArray[np.bool_], scores: Floats) -> "_RankedRows":
        order = np.argsort(-scores, kind="stable")
        return cls(order, injected[order], scores[order])

    def precision(self, weights: Floats) -> float:
        return average_precision(self.injected, self.scores, weights[self.order])


def _draw_counts(strata: list[NDArray[np.intp]], rows: int, random: np.random.Generator) -> Floats:
    """Draw every stratum with replacement, and return how often each row was drawn [rows]."""
    counts = np.zeros(rows)
    for members in strata:
        counts[members] = np.bincount(random.integers(0, len(members), len(members)), minlength=len(members))
    return counts
