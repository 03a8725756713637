"""How surprising a value is: the probability of one at least as far out, as -log10, from what was seen before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steps.scoring.arrays import Floats

KNOTS = 128
TAIL_SHARE = 0.01
MIN_TAIL = 5
MIN_EXCESS = 1e-3
MIN_STEP = 1e-300
"""Knots that are closer would make `np.interp` divide by what no float holds."""
MAX_BEYOND = 2.0
"""How far, in powers of ten, the tail is trusted beyond the last value seen."""


@dataclass(frozen=True)
class Tail:
    """A curve from values to surprise.

    Piecewise linear up to the largest value seen; beyond it from `unseen` on, with the slope of an exponential tail.
    """

    values: Floats
    surprises: Floats
    unseen: float
    slope: float

    @classmethod
    def fit(cls, values: Floats) -> "Tail":
        """Fit to values [rows], of which high ones are the surprising ones."""
        ordered = np.sort(values)
        count = len(ordered)
        knots = np.unique(np.quantile(ordered, _levels(count), method="nearest"))
        knots = knots[np.diff(knots, append=np.inf) > MIN_STEP]
        at_least = count - np.searchsorted(ordered, knots, side="left")
        far = ordered[-max(MIN_TAIL, round(count * TAIL_SHARE)) :]
        mean_excess = max(float((far - far[0]).mean()), MIN_EXCESS)
        surprises = -np.log10((at_least + 0.5) / (count + 1.0))
        return cls(knots, surprises, float(np.log10(count + 1.0)), 1.0 / (mean_excess * np.log(10.0)))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "values": self.values.tolist(),
            "surprises": self.surprises.tolist(),
            "unseen": self.unseen,
            "slope": self.slope,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Tail":
        """The curve again."""
        return cls(
            np.array(stored["values"]), np.array(stored["surprises"]), float(stored["unseen"]), float(stored["slope"])
        )


class Tails:
    """Curves side by side, one for each column."""

    def __init__(self, each: Sequence[Tail]) -> None:
        self.each = each
        self._last = np.array([tail.values[-1] for tail in each])
        self._unseen = np.array([tail.unseen for tail in each])
        self._slopes = np.array([tail.slope for tail in each])

    def __call__(self, values: Floats) -> Floats:
        """Surprise of each value [rows, columns], in powers of ten."""
        excess = values - self._last
        beyond = self._unseen + np.minimum(excess * self._slopes, MAX_BEYOND)
        within = [
            np.interp(column, tail.values, tail.surprises) for column, tail in zip(values.T, self.each, strict=True)
        ]
        return np.where(excess > 0, beyond, np.transpose(within))


def _levels(count: int) -> Floats:
    """Evenly spread levels, and ever finer ones towards the top."""
    even = np.linspace(0.0, 1.0, KNOTS // 2)
    top = 1.0 - np.geomspace(1.0 / max(count, 2), 0.1, KNOTS // 2)
    return np.unique(np.concatenate([even, top]))
