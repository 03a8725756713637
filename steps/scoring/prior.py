"""How often each value occurs in ordinary repositories, as learned on several and shipped with the code.

Curves only: no text and no name stands in `prior_curves`. `benchmarks/prior.py` makes it.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from steps.scoring.arrays import Floats
from steps.scoring.prior_curves import CURVES

MAX_BEYOND = 1.5
"""How far, in powers of ten, a curve is trusted beyond its last value."""
BEYOND_STEP = 0.3
LOG_STEP = 0.1
"""Distance of two knots, in powers of ten."""
VALUE_PLACES = 10_000.0
LOG_DECIMALS = 3
TAIL_SHARE = 0.01
MIN_EXCESS = 1e-3


@dataclass(frozen=True)
class Curve:
    """The logarithm to base ten of the share of values that are at least as high; straight between knots."""

    values: list[float]
    logs: list[float]
    slope: float

    def log_share(self, value: float) -> float:
        """Return the logarithm of the share at `value`, 0 or below."""
        place = bisect_left(self.values, value)
        if place == 0:
            return self.logs[0]
        if place < len(self.values):
            low, high = self.values[place - 1], self.values[place]
            part = (value - low) / (high - low)
            return self.logs[place - 1] + part * (self.logs[place] - self.logs[place - 1])
        return self.logs[-1] - BEYOND_STEP - min((value - self.values[-1]) * self.slope, MAX_BEYOND)

    def log_shares(self, values: Floats) -> Floats:
        """Return the same for many values [any shape]."""
        last, lowest = self.values[-1], self.logs[-1]
        beyond = lowest - BEYOND_STEP - np.minimum((values - last) * self.slope, MAX_BEYOND)
        found: Floats = np.where(values > last, beyond, np.interp(values, self.values, self.logs))
        return found

    @classmethod
    def fit(cls, parts: Sequence[Floats]) -> "Curve":
        """Fit to values [rows] of several repositories; each weighs by the root of its rows."""
        values = np.concatenate(parts)
        weights = np.concatenate([np.full(len(part), len(part) ** -0.5) for part in parts])
        order = np.argsort(values, kind="stable")
        values, weights = values[order], weights[order]
        shares = np.cumsum(weights[::-1])[::-1] / weights.sum()
        knots, first = np.unique(values, return_index=True)
        rows = weights.sum() ** 2 / (weights**2).sum()
        logs = np.log10(np.maximum(shares[first], 0.5 / rows))
        kept = _thin(logs)
        far = values[int(len(values) * (1 - TAIL_SHARE)) :]
        excess = max(float((far - far[0]).mean()), MIN_EXCESS)
        rounded = np.ceil(knots[kept] * VALUE_PLACES) / VALUE_PLACES  # up, so that a knot's own value stays below it
        slope = 1.0 / (excess * float(np.log(10)))
        return cls(rounded.tolist(), logs[kept].round(LOG_DECIMALS).tolist(), round(slope, 5))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"values": self.values, "logs": self.logs, "slope": self.slope}


def _thin(logs: Floats) -> list[int]:
    """Return the places of the steps to keep: each dropped one lies within LOG_STEP of the next one kept."""
    kept = [len(logs) - 1]
    for place in range(len(logs) - 2, -1, -1):
        if logs[place] - logs[kept[-1]] >= LOG_STEP:
            kept.append(place)
    return kept[::-1]


@cache
def load_prior_curves() -> Mapping[str, Curve]:
    """Return the curves that come with the code, by the name of the feature or signal."""
    return {
        name: Curve([float(value) for value in values.split()], [float(log) for log in logs.split()], slope)
        for name, (values, logs, slope) in CURVES.items()
    }
