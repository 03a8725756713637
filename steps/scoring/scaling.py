"""Scales per repository, shrunk towards the scales over all; compressed far out, so that one giant doesn't rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from steps.common.dataset import OVERALL
from steps.scoring.arrays import Floats

SHRINKAGE_ROWS = 150
LINEAR_UP_TO = 4.0
MIN_SPREAD = 1e-3


@dataclass(frozen=True)
class Scales:
    """Middles and spreads [repositories, features], by repository; unknown ones get those over all."""

    repositories: tuple[str, ...]
    middles: Floats
    spreads: Floats

    @classmethod
    def fit(cls, features: Floats, repositories: Sequence[str]) -> "Scales":
        """Fit on raw features [rows, features]: a repository of n rows weighs n / (n + 150) against all."""
        owners = np.asarray(repositories)
        overall_middle, overall_spread = _robust(features)
        overall_spread = np.where(overall_spread > MIN_SPREAD, overall_spread, features.std(axis=0) + MIN_SPREAD)
        names, middles, spreads = [OVERALL], [overall_middle], [overall_spread]
        for name in sorted(set(repositories)):
            own = features[owners == name]
            weight = len(own) / (len(own) + SHRINKAGE_ROWS)
            middle, spread = _robust(own)
            spread = np.where(spread > MIN_SPREAD, spread, overall_spread)
            names.append(name)
            middles.append(weight * middle + (1 - weight) * overall_middle)
            spreads.append(np.exp(weight * np.log(spread) + (1 - weight) * np.log(overall_spread)))
        return cls(tuple(names), np.stack(middles), np.stack(spreads))

    def select(self, columns: Sequence[int]) -> "Scales":
        """Return the scales of some features."""
        return Scales(self.repositories, self.middles[:, list(columns)], self.spreads[:, list(columns)])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.repositories)}

    def middle(self, repository: str) -> list[float]:
        """The middle of each feature in a repository."""
        middles: list[float] = self.middles[self._places.get(repository, 0)].tolist()
        return middles

    def apply(self, features: Floats, repositories: Sequence[str]) -> Floats:
        """Scale raw features [rows, features]: linear to four spreads, logarithmic beyond."""
        index = [self._places.get(name, 0) for name in repositories]
        plain = (features - self.middles[index]) / self.spreads[index]
        size = np.abs(plain)
        beyond = np.sign(plain) * (LINEAR_UP_TO + np.log(np.maximum(size, LINEAR_UP_TO) / LINEAR_UP_TO))
        return np.where(size <= LINEAR_UP_TO, plain, beyond)


def _robust(features: Floats) -> tuple[Floats, Floats]:
    """Median, and the wider of two spreads that equal the standard deviation of a normal distribution."""
    tenth, quarter, middle, three_quarters, nine_tenths = np.quantile(features, (0.1, 0.25, 0.5, 0.75, 0.9), axis=0)
    return middle, np.maximum((three_quarters - quarter) / 1.349, (nine_tenths - tenth) / 2.563)
