"""Signals: the ways in which a pull request can be unusual, each a weighted sum of rarities, and one score of them all.

A sum of rarities says nothing by itself, so it is read off a curve that shows how often such sums occur among ordinary
pull requests. The score is the strongest signal, less what that kind of signal has to show more than others.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steps.scoring.arrays import Floats
from steps.scoring.prior import Curve, load_prior_curves

SECOND_WEIGHT = 0.1
"""Weight of the second-strongest signal."""
MIN_SIGNAL = 0.0


@dataclass(frozen=True)
class Signal:
    """A way to be unusual.

    Attributes:
        name: what it is called in files and tests.
        weights: by column of `features.NAMES`.
        residuals: weights by feature of the network: the rarity of a value far from what the network predicts.
        offset: powers of ten that it is held back by against others.
    """

    name: str
    weights: Mapping[str, float]
    residuals: Mapping[str, float] = field(default_factory=dict)
    offset: float = 0.0

    @property
    def is_sum(self) -> bool:
        """True if it needs a curve; a single rarity is its own."""
        return len(self.weights) + len(self.residuals) > 1

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "weights": dict(self.weights),
            "residuals": dict(self.residuals),
            "offset": self.offset,
        }


def _of(name: str, offset: float = 0.0, residuals: Mapping[str, float] | None = None, **weights: float) -> Signal:
    return Signal(name, {f"{key}_rarity": weight for key, weight in weights.items()}, residuals or {}, offset)


SIGNALS: tuple[Signal, ...] = (
    _of("dump", 0.3, size_surprise=0.5, files_surprise=0.5, unnamed_files=0.5, new_folders=0.15),
    _of(
        "deletion",
        net_deletions=0.1,
        silent_deletions=0.4,
        size_surprise=0.3,
        spread_surprise=0.15,
        residuals={"net_direction": 0.5},
    ),
    _of("small_promise", 0.6, small_promise=1),
    _of("docs_promise", 1.3, docs_promise=1),
    _of("low_effort", -0.8, low_effort=1),
    _of("insider_sweep", 0.6, insider_sweep=1, spread_surprise=0.15, residuals={"log_files": 0.4}),
    _of("commit_flood", commits_for_lines=1.5, commits_surprise=0.3, residuals={"log_commits": 0.15}),
    _of("foreign_text", 0.9, foreign_text=1, residuals={"title_elsewhere": 0.3}),
    _of("burst", 0.6, near_duplicates=1, newcomers_hour=0.5),
    _of("polished_text", 1.3, polished_text=1),
    _of("bot_impersonation", 1.3, bot_impersonation=1),
    _of("sensitive_files", 0.5, sensitive_files=1),
    _of("deleted_tests", 1.3, deleted_tests=1),
    _of("binary_files", 1.1, new_binaries=1, new_extensions=0.5),
)
"""All signals, in the order in which models have them."""

OUTWARD: Mapping[str, int] = {"net_direction": -1}
"""Which end of a residual is unusual; the high one where nothing is said."""


def residual_names(signals: Sequence[Signal] = SIGNALS) -> tuple[str, ...]:
    """Return the features whose residuals the signals read, in a fixed order."""
    return tuple(dict.fromkeys(name for signal in signals for name in signal.residuals))


def without(given: Sequence[Signal], columns: Set[str]) -> tuple[Signal, ...]:
    """Return the signals that read none of these columns; a sum that lost a part would not fit its curve."""
    return tuple(signal for signal in given if not columns & signal.weights.keys())


class SignalSums:
    """Signals as matrices over a model's columns."""

    def __init__(self, signals: Sequence[Signal], names: Sequence[str], curves: Mapping[str, Curve]) -> None:
        """Put them together.

        Raises:
            KeyError: a signal has several weights and no curve.
            ValueError: a signal reads a column that isn't there.
        """
        self.signals = tuple(signals)
        self.residuals = residual_names(signals)
        self._weights = np.zeros((len(names), len(signals)))
        self._residual_weights = np.zeros((len(self.residuals), len(signals)))
        for column, signal in enumerate(signals):
            for name, weight in signal.weights.items():
                self._weights[tuple(names).index(name), column] = weight
            for name, weight in signal.residuals.items():
                self._residual_weights[self.residuals.index(name), column] = weight
        self._curves = [curves[one.name] if one.is_sum else curves.get(one.name) for one in signals]
        self._offsets = np.array([one.offset for one in signals])

    def sums(self, features: Floats, residual_rarities: Floats) -> Floats:
        """Return the weighted sums [rows, signals] of columns and of the residuals' rarities."""
        found: Floats = features @ self._weights + residual_rarities @ self._residual_weights
        return found

    def strengths(self, features: Floats, residual_rarities: Floats) -> Floats:
        """Return how strong each signal is [rows, signals], in powers of ten less its offset; 0 for none."""
        sums = self.sums(features, residual_rarities)
        for column, curve in enumerate(self._curves):
            if curve is not None:
                sums[:, column] = -curve.log_shares(sums[:, column])
        found: Floats = np.maximum(sums - self._offsets, MIN_SIGNAL)
        return found


def total(strengths: Floats) -> Floats:
    """Return the scores [rows] of strengths [rows, signals]: the strongest, and a little of the second."""
    if strengths.shape[1] == 1:
        return strengths[:, 0]
    ordered = np.partition(strengths, (-2, -1), axis=1)
    scores: Floats = ordered[:, -1] + SECOND_WEIGHT * ordered[:, -2]
    return scores


def load_curves(signals: Sequence[Signal] = SIGNALS) -> dict[str, Curve]:
    """Return the curves that come with the code for those signals that need one."""
    return {one.name: load_prior_curves()[f"signal {one.name}"] for one in signals if one.is_sum}
