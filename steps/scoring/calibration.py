"""From scaled features and reconstruction errors to surprise, by what past pull requests showed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steps.scoring.arrays import Floats
from steps.scoring.tails import Tail, Tails

ERROR_WEIGHT = 0.3
"""Weight of the reconstruction error's surprise against that of the value itself."""


@dataclass(frozen=True)
class Calibration:
    """Curves from scaled values and from reconstruction errors to surprise, a pair for each scored feature.

    `places` are those of the scored features among all; `directions` [features] say which end is unusual.
    """

    places: list[int]
    values: Tails
    errors: Tails
    directions: Sequence[int]

    @classmethod
    def fit(cls, scaled: Floats, errors: Floats, directions: Sequence[int], scored: Sequence[bool]) -> "Calibration":
        """Fit to scaled features and errors [rows, features] of normal pull requests not used in training."""
        places = [place for place, counts in enumerate(scored) if counts]
        values, errors = (outward(part, directions)[:, places] for part in (scaled, errors))
        return cls(
            places, Tails([Tail.fit(column) for column in values.T]), Tails([Tail.fit(c) for c in errors.T]), directions
        )

    def surprises(self, scaled: Floats, errors: Floats) -> Floats:
        """What each feature adds [rows, features]; 0 for one that isn't scored."""
        own = self.values(outward(scaled, self.directions)[:, self.places])
        error = self.errors(outward(errors, self.directions)[:, self.places])
        out = np.zeros_like(scaled)
        out[:, self.places] = (1 - ERROR_WEIGHT) * own + ERROR_WEIGHT * error
        return out

    def to_json(self) -> dict[str, Any]:
        """Plain values, by the place of the feature."""
        return {
            name: {str(place): tail.to_json() for place, tail in zip(self.places, tails.each, strict=True)}
            for name, tails in (("values", self.values), ("errors", self.errors))
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], directions: Sequence[int]) -> "Calibration":
        """The curves again."""
        places = [int(place) for place in stored["values"]]
        values, errors = (
            Tails([Tail.from_json(stored[name][str(place)]) for place in places]) for name in ("values", "errors")
        )
        return cls(places, values, errors, directions)


def outward(values: Floats, directions: Sequence[int]) -> Floats:
    """Turn values [rows, features] so that high ones are the unusual ones."""
    signs = np.asarray(directions)
    return np.where(signs == 0, np.abs(values), signs * values)
