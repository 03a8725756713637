"""What the gate decides on: the models that are compared, the rows that they are measured on, and what was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from steps.scoring.arrays import Floats
from steps.train.metrics import Bools, injected_precision
from steps.train.truth import Truth


@dataclass(frozen=True)
class Contender:
    """A model under comparison.

    Attributes:
        name: its name in messages.
        scores: of all rows of the evidence [rows]; higher is more unusual.
        threshold: the score above which it flags.
        alert_budget: the share of real rows that it should flag.
        content: the hash of the model itself.
        data_hash: of the dataset it was trained on.
        data_until: when that dataset's last pull request was opened; None if unknown.
        was_demoted: whether it was champion before, and isn't now.
        flagged: the rows that a service would flag, by the threshold of each repository [rows]; None for those above
            `threshold`.
    """

    name: str
    scores: Floats
    threshold: float
    alert_budget: float
    content: str
    data_hash: str
    data_until: datetime | None
    was_demoted: bool = False
    flagged: Bools | None = None


@dataclass(frozen=True)
class GateEvidence:
    """The rows that the models are measured on, and what the challenger's manifest says of it.

    Attributes:
        data_hash: of the dataset that the rows come from.
        measured_at: the time of the decision.
        kinds: the anomaly injected into each row [rows]; None for real ones.
        held_out: the injected rows whose kinds no choice has seen [rows].
        repositories: of each row [rows].
        additions: lines added by each row [rows].
        reasons: what the real rows say of the rarities that the model states.
        recorded: average precision by detector, `model` and each of gate.RECORDED_BASELINES.
        recorded_held_out: the same on the held-out kinds.
        recorded_reasons: how many statements about rarity were checked, and how many held.
    """

    data_hash: str
    measured_at: datetime
    kinds: NDArray[np.object_]
    held_out: Bools
    repositories: NDArray[np.object_]
    additions: Floats
    reasons: Truth
    recorded: Mapping[str, float]
    recorded_held_out: Mapping[str, float]
    recorded_reasons: tuple[int, int] | None

    @cached_property
    def real(self) -> Bools:
        """The rows without an injected anomaly."""
        return np.array([kind is None for kind in self.kinds], dtype=bool)

    def precision(self, scores: Floats, *, held_out: bool = False) -> float:
        """Return the average precision of scores [rows] on the kinds that choices see, or on held-out ones."""
        rows = self.select(held_out=held_out)
        return injected_precision(self.kinds[rows], scores[rows])

    def select(self, *, held_out: bool) -> Bools:
        """Return the real rows, and the injected ones of the kinds that are held out or of the others [rows]."""
        chosen: Bools = np.logical_or(self.real, self.held_out == held_out)
        return chosen


@dataclass(frozen=True)
class ReferenceFigures:
    """Average precision on the reference set, whose rows stay the same while champions change.

    Attributes:
        found: of the challenger.
        recent: of the recent champions, by version.
    """

    found: float
    recent: Mapping[str, float]

    @property
    def best(self) -> tuple[str, float]:
        """The version of the best recent champion, and its figure."""
        return max(self.recent.items(), key=lambda entry: entry[1])


@dataclass(frozen=True)
class Decision:
    """The decision, the rule that decided, and a sentence with the figures, which begins with the rule."""

    accepted: bool
    rule: str
    reason: str
