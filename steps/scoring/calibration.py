"""From residuals, the distances between features and what the network predicts, to rarities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steps.scoring.arrays import Floats
from steps.scoring.signals import OUTWARD
from steps.scoring.tails import Tail, Tails


@dataclass(frozen=True)
class Calibration:
    """Curves from residuals to rarity, one for each of the residuals that signals read, in their order."""

    residuals: tuple[str, ...]
    tails: Tails | None
    columns: list[int]

    @classmethod
    def fit(cls, errors: Floats, names: Sequence[str], residuals: Sequence[str]) -> "Calibration":
        """Fit to errors [rows, network features] of ordinary pull requests that the network was not trained on."""
        columns = [tuple(names).index(name) for name in residuals]
        tails = [Tail.fit(column) for column in _outward(errors[:, columns], residuals).T]
        return cls(tuple(residuals), Tails(tails) if tails else None, columns)

    def rarities(self, errors: Floats) -> Floats:
        """Return how rare each residual is [rows, residuals], in powers of ten."""
        if self.tails is None:
            return np.zeros((len(errors), 0))
        return self.tails(_outward(errors[:, self.columns], self.residuals))

    def to_json(self) -> dict[str, Any]:
        """Return plain values, by the name of the residual."""
        if self.tails is None:
            return {}
        return {name: tail.to_json() for name, tail in zip(self.residuals, self.tails.each, strict=True)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], names: Sequence[str], residuals: Sequence[str]) -> "Calibration":
        """Return the curves again."""
        tails = [Tail.from_json(stored[name]) for name in residuals]
        columns = [tuple(names).index(name) for name in residuals]
        return cls(tuple(residuals), Tails(tails) if tails else None, columns)


def _outward(values: Floats, residuals: Sequence[str]) -> Floats:
    """Turn values [rows, residuals] so that high ones are the unusual ones."""
    found: Floats = values * np.array([OUTWARD.get(name, 1) for name in residuals], float)
    return found
