"""The score above which a pull request is unusual: for each repository by its own newest scores.

A repository's own quantile is shrunk to the one over all, so that few scores can't move it far, and steered by how many
were flagged of late, so that the share that is flagged returns to the alert budget.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from steps.scoring.arrays import Floats

NEWEST = 1_000
"""Scores of a repository that decide."""
SHRINKAGE = 100
"""The quantile over all weighs as much as this many scores."""
MIN_SCORES = 50
"""A repository with fewer scores has the threshold over all."""
HIGH_SHARE = 0.1
"""Share of the alert budget that is called high."""
STEERING = 3.0
"""How hard a surplus or a lack of alerts among the newest scores is steered against."""
MIN_STEER, MAX_STEER = 0.2, 4.0


class Limits(NamedTuple):
    """The scores above which a pull request is unusual, and highly so."""

    threshold: float
    high: float


def limits(scores: Floats, budget: float) -> Limits:
    """Return the limits that scores [rows] exceed in the share `budget`, and in a tenth of it."""
    threshold, high = np.quantile(scores, (1 - budget, 1 - budget * HIGH_SHARE)).tolist()
    return Limits(threshold, high)


@dataclass
class Rolling:
    """The newest scores of one repository, in the order of opening, and how many of them were flagged."""

    budget: float
    overall: Limits
    scores: deque[float]
    flagged: deque[bool]

    @classmethod
    def start(cls, budget: float, overall: Limits, scores: Iterable[float] = ()) -> "Rolling":
        """Start with scores that nothing was flagged by."""
        newest = deque(scores, maxlen=NEWEST)
        return cls(budget, overall, newest, deque(maxlen=NEWEST))

    def current(self) -> Limits:
        """Return the limits for the next pull request."""
        count = len(self.scores)
        if count < MIN_SCORES:
            return self.overall
        own = limits(np.array(self.scores), min(self.budget * self._steer(), 0.5))
        weight = count / (count + SHRINKAGE)
        threshold = weight * own.threshold + (1 - weight) * self.overall.threshold
        return Limits(threshold, max(weight * own.high + (1 - weight) * self.overall.high, threshold))

    def update(self, score: float, threshold: float) -> None:
        """Take a score, and whether it was above the threshold that held for it."""
        self.scores.append(score)
        self.flagged.append(score > threshold)

    def _steer(self) -> float:
        """Return by what the budget is multiplied: more where too few were flagged of late, less where too many."""
        rows = len(self.flagged)
        expected = self.budget * rows
        surplus = (sum(self.flagged) - expected) / max(self.budget * NEWEST, 1.0)
        return float(np.clip(1.0 - STEERING * surplus, MIN_STEER, MAX_STEER))


def replay(scores: Floats, rolling: Rolling) -> list[Limits]:
    """Return the limits that hold for each of a repository's scores [rows], given in the order of opening."""
    found = []
    for score in scores.tolist():
        found.append(rolling.current())
        rolling.update(score, found[-1].threshold)
    return found


def newest(scores: Mapping[str, Floats]) -> dict[str, list[float]]:
    """Return the newest scores of each repository, rounded, as the artefact keeps them."""
    return {name: np.round(own[-NEWEST:], 4).tolist() for name, own in scores.items()}
