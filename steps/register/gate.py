"""The gate that decides whether a model becomes the champion: pure logic over scores and facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from steps.register.bootstrap import bootstrap_gains
from steps.scoring.arrays import Floats
from steps.train.metrics import average_precision, planted_tasks

MIN_REAL = 50
MIN_INJECTED = 10
RECORDED_BASELINES = ("isolation_forest", "ecod")
MARGIN = 1.05
"""Factor by which even a first model must beat the average precision of each baseline."""
MAX_FLAGGED_FACTOR = 2
"""Factor by which the flagged share of real rows may exceed the alert budget; among few rows, chance is allowed for."""
CHANCE_DEVIATIONS = 3
MIN_FLAGGED_FACTOR = 5
"""Factor by which it may fall short of it."""
MAX_FLAGGED_SHARE = 0.5
"""Largest share of the real rows that may be flagged, whatever the budget."""
MAX_TIED_SHARE = 0.5
"""Largest share of the rows that may have the same score."""
RECORDED_TOLERANCE = 0.005
"""Tolerance between the recorded average precision and the one measured here; processors round differently."""
CONFIDENCE = 0.95
TOLERANCE = 0.02
"""Largest loss of average precision for a fresher model."""


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
    flagged: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class GateEvidence:
    """The rows that the models are measured on, and the metrics of the challenger's run.

    Attributes:
        data_hash: of the dataset that the rows come from.
        kinds: the anomaly injected into each row [rows]; None for real ones.
        additions: lines added by each row [rows].
        recorded: average precision by detector, `model` and each of RECORDED_BASELINES.
    """

    data_hash: str
    kinds: NDArray[np.object_]
    additions: Floats
    recorded: Mapping[str, float]

    @property
    def real(self) -> NDArray[np.bool_]:
        """The rows without an injected anomaly."""
        return np.array([kind is None for kind in self.kinds], dtype=bool)

    def precision(self, scores: Floats) -> float:
        """Return the average precision of scores [rows] on all kinds of injected anomalies."""
        return average_precision(~self.real, scores, planted_tasks(self.kinds)["all"])


@dataclass(frozen=True)
class Decision:
    """The decision, the rule that decided, and a sentence with the figures, which begins with the rule."""

    accepted: bool
    rule: str
    reason: str


def decide(*, challenger: Contender, champion: Contender | None, evidence: GateEvidence) -> Decision:
    """Accept a challenger that is valid, above the floor, and the first, better, or fresher and not worse."""
    if champion and (challenger.content, challenger.data_hash) == (champion.content, champion.data_hash):
        return refuse("unchanged", f"this model is already {champion.name}, the champion.")
    refusal = (
        _check_data(challenger, evidence)
        or _check_size(evidence)
        or _check_scores(challenger, evidence)
        or _check_flagged_share(challenger, evidence)
        or _check_floor(challenger, evidence)
        or _check_not_demoted(challenger)
    )
    if refusal:
        return refusal
    if champion is None:
        found = evidence.precision(challenger.scores)
        return _accept("first", f"average precision {found:.3f}, and there is no champion to compare with.")
    return _compare(challenger, champion, evidence)


def refuse(rule: str, sentence: str) -> Decision:
    """Return a refusal by a rule, with the rest of its sentence."""
    return Decision(False, rule, f"{rule.capitalize()}: {sentence}")


def refuse_incomparable(name: str, problem: str) -> Decision:
    """Return the refusal for a champion that can't be scored on the challenger's data."""
    return refuse(
        "no comparison",
        f"{name} can't be compared: {problem} Remove the alias champion so that the next run can start over.",
    )


def _accept(rule: str, sentence: str) -> Decision:
    return Decision(True, rule, f"{rule.capitalize()}: {sentence}")


def _check_data(challenger: Contender, evidence: GateEvidence) -> Decision | None:
    if challenger.data_hash == evidence.data_hash:
        return None
    return refuse(
        "other data", f"it was trained on {challenger.data_hash:.12}, but is measured on {evidence.data_hash:.12}."
    )


def _check_size(evidence: GateEvidence) -> Decision | None:
    real = int(evidence.real.sum())
    injected = len(evidence.kinds) - real
    if real >= MIN_REAL and injected >= MIN_INJECTED:
        return None
    needed = f"{MIN_REAL} and {MIN_INJECTED} are needed"
    return refuse("too little evidence", f"{real} real pull requests and {injected} injected anomalies; {needed}.")


def _check_scores(challenger: Contender, evidence: GateEvidence) -> Decision | None:
    scores = challenger.scores
    if scores.shape != evidence.kinds.shape:
        return refuse("other rows", f"{scores.size} scores for {evidence.kinds.size} rows.")
    if unknown := int((~np.isfinite(scores)).sum()):
        return refuse("scores are not numbers", f"{unknown} of {scores.size} scores.")
    most = np.unique(scores.round(6), return_counts=True)[1].max() / scores.size
    if most > MAX_TIED_SHARE:
        return refuse("constant scores", f"{most:.0%} of the rows have the same score.")
    return None


def _check_flagged_share(challenger: Contender, evidence: GateEvidence) -> Decision | None:
    if not (np.isfinite(challenger.threshold) and 0 < challenger.alert_budget < 1):
        return refuse("no threshold", f"threshold {challenger.threshold}, alert budget {challenger.alert_budget}.")
    flagged = challenger.scores > challenger.threshold if challenger.flagged is None else challenger.flagged
    real, wanted = evidence.real, challenger.alert_budget * evidence.real.sum()
    count = int(flagged[real].sum())
    figures = f"{count} of {real.sum()} real pull requests, with a budget of {challenger.alert_budget:.1%}."
    most = max(wanted * MAX_FLAGGED_FACTOR, wanted + CHANCE_DEVIATIONS * wanted**0.5 + 1)
    if count > min(np.ceil(most), MAX_FLAGGED_SHARE * real.sum()):
        return refuse("flags too much", figures)
    # Rounded down: of few real rows, none may be unusual. But then some injected ones must be flagged.
    if count < np.floor(wanted / MIN_FLAGGED_FACTOR) or not flagged.any():
        return refuse("flags too little", figures)
    return None


def _check_floor(challenger: Contender, evidence: GateEvidence) -> Decision | None:
    found, recorded = evidence.precision(challenger.scores), evidence.recorded.get("model", np.nan)
    # Every comparison is written so that NaN refuses.
    if not abs(found - recorded) <= RECORDED_TOLERANCE:
        return refuse(
            "other figures", f"its run recorded an average precision of {recorded:.3f}, but here it is {found:.3f}."
        )
    baselines = {name: evidence.recorded.get(name, np.nan) for name in RECORDED_BASELINES}
    for name, figure in {"lines_added": evidence.precision(evidence.additions), **baselines}.items():
        if not found > MARGIN * figure:
            return refuse(
                "below floor", f"average precision {found:.3f} is not above {MARGIN} times the {figure:.3f} of {name}."
            )
    return None


def _check_not_demoted(challenger: Contender) -> Decision | None:
    if not challenger.was_demoted:
        return None
    return refuse("demoted", "it was champion before; only a person can promote it again, by setting the alias.")


def _compare(challenger: Contender, champion: Contender, evidence: GateEvidence) -> Decision:
    if champion.scores.shape != evidence.kinds.shape or not np.isfinite(champion.scores).all():
        return refuse_incomparable(champion.name, "some of its scores are not numbers.")
    drawn = bootstrap_gains(evidence.kinds, challenger.scores, champion.scores)
    least, most = np.quantile(drawn, (1 - CONFIDENCE, CONFIDENCE))
    found, before = evidence.precision(challenger.scores), evidence.precision(champion.scores)
    figures = (
        f"average precision {found:.3f} against {before:.3f} of {champion.name}; "
        f"the gain is between {least:+.3f} and {most:+.3f}, each with {CONFIDENCE:.0%} confidence"
    )
    fresher = _is_fresher(challenger, champion)
    if least > 0:
        return _accept("better", f"{figures}.")
    if fresher and least > -TOLERANCE:
        return _accept("fresher", f"{figures}, and its data extend to {challenger.data_until:%Y-%m-%d %H:%M}.")
    if most < 0:
        return refuse("worse", f"{figures}.")
    if fresher:
        return refuse("maybe worse", f"{figures}, and a fresher model may lose at most {TOLERANCE}.")
    return refuse("not better and not fresher" if drawn.any() else "tie", f"{figures}, and its data are no newer.")


def _is_fresher(challenger: Contender, champion: Contender) -> bool:
    until, before = challenger.data_until, champion.data_until
    return until is not None and before is not None and until > before
