"""How the past pull requests of each repository scored, by which a new score gets its percentile."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from steps.common.dataset import OVERALL
from steps.scoring.arrays import Floats

MIN_ROWS = 50
"""A repository with fewer pull requests to judge by is judged by all."""
LEVELS: Floats = np.concatenate(
    [np.arange(99) / 100, np.arange(990, 999) / 1_000, np.arange(9_990, 10_000) / 10_000, [1.0]]
)
"""Every hundredth, finer towards the top."""


class Distribution(NamedTuple):
    """Quantiles: the share `levels` of the past, from 0 to 1, scored at most `scores`.

    Where the repository isn't `known`, they are those over all.
    """

    levels: list[float]
    scores: list[float]
    known: bool


class Distributions:
    """The quantiles of each repository."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self._levels = [float(level) for level in stored["levels"]]
        self._scores: dict[str, list[float]] = {name: list(scores) for name, scores in stored["scores"].items()}
        self._curves = {name: _distinct(scores, self._levels) for name, scores in self._scores.items()}

    def of(self, repository: str) -> Distribution:
        """A repository's quantiles, or those over all."""
        known = repository in self._scores
        return Distribution(self._levels, self._scores[repository if known else OVERALL], known)

    def percentile(self, score: float, repository: str) -> float:
        """The share, in percent, of the past that scored lower: 0 below all of it, 100 above."""
        scores, levels = self._curves.get(repository) or self._curves[OVERALL]
        return 100 * float(np.interp(score, scores, levels, right=1.0))


def fit(scores: Floats, repositories: Sequence[str]) -> dict[str, Any]:
    """Quantiles of scores [rows] that no network was trained on, as plain values."""
    owners = np.asarray(repositories)
    parts = {OVERALL: scores, **{name: scores[owners == name] for name in sorted(set(repositories))}}
    return {
        "levels": LEVELS.tolist(),
        "scores": {
            name: np.quantile(part, LEVELS).tolist()
            for name, part in parts.items()
            if name == OVERALL or len(part) >= MIN_ROWS
        },
    }


def _distinct(scores: Sequence[float], levels: Sequence[float]) -> tuple[Floats, Floats]:
    """Each score once, at the lowest level that reaches it."""
    once, first = np.unique(np.asarray(scores, float), return_index=True)
    return once, np.asarray(levels)[first]
