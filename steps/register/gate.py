"""Whether a model may become the champion: pure logic over scores and facts, which says yes only for a named reason."""

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
"""Even a first model finds planted anomalies better than each baseline by this factor."""
FLAGGED_FACTOR = 5
"""The flagged share of real rows may be off the alert budget by this factor."""
MAX_FLAGGED_SHARE = 0.5
"""No budget is so large that flagging more than this share of the real rows is right."""
MAX_TIED_SHARE = 0.5
"""A score that more than this share of the rows has ranks nothing."""
RECORDED_TOLERANCE = 0.005
"""How far a recorded average precision may be from the one found here; processors round differently."""
CONFIDENCE = 0.95
TOLERANCE = 0.02
"""What a fresher model may lose, in average precision, at most."""


@dataclass(frozen=True)
class Contender:
    """A model as the gate sees it.

    Attributes:
        name: how a sentence calls it.
        scores: of all rows of the evidence [rows]; higher is more unusual.
        threshold: the score above which it flags.
        alert_budget: the share of real rows that it should flag.
        content: the hash of the model itself.
        data_hash: of the dataset it learned from.
        data_until: when that dataset's last pull request was opened; None where nobody knows.
        taken_back: whether it was champion before, and isn't now.
    """

    name: str
    scores: Floats
    threshold: float
    alert_budget: float
    content: str
    data_hash: str
    data_until: datetime | None
    was_demoted: bool = False


@dataclass(frozen=True)
class GateEvidence:
    """What the models are measured on, and what the challenger's run recorded.

    Attributes:
        data_hash: of the dataset whose rows these are.
        kinds: what was planted in each row [rows]; None for real ones.
        additions: lines added by each row [rows].
        recorded: average precision by detector, `model` and each of RECORDED_BASELINES.
    """

    data_hash: str
    kinds: NDArray[np.object_]
    additions: Floats
    recorded: Mapping[str, float]

    @property
    def real(self) -> NDArray[np.bool_]:
        """Which rows are as they were."""
        return np.array([kind is None for kind in self.kinds], dtype=bool)

    def precision(self, scores: Floats) -> float:
        """The average precision of scores [rows] on all kinds of planted rows."""
        return average_precision(~self.real, scores, planted_tasks(self.kinds)["all"])


@dataclass(frozen=True)
class Decision:
    """Yes or no, the rule that decided, and a sentence with the figures, which begins with the rule."""

    accepted: bool
    rule: str
    reason: str


def decide(*, challenger: Contender, champion: Contender | None, evidence: GateEvidence) -> Decision:
    """Accept a challenger that is sound, above the floor, and the first, better, or fresher and not worse."""
    if champion and (challenger.content, challenger.data_hash) == (champion.content, champion.data_hash):
        return refuse("unchanged", f"this model is {champion.name}, the champion, already.")
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
    """A refusal by a rule, with the rest of its sentence."""
    return Decision(False, rule, f"{rule.capitalize()}: {sentence}")


def refuse_incomparable(name: str, problem: str) -> Decision:
    """The refusal where the champion can't be scored on the challenger's data."""
    return refuse(
        "no comparison",
        f"{name} can't be compared: {problem} Remove the alias champion to let the next run start afresh.",
    )


def _accept(rule: str, sentence: str) -> Decision:
    return Decision(True, rule, f"{rule.capitalize()}: {sentence}")


def _check_data(challenger: Contender, evidence: GateEvidence) -> Decision | None:
    if challenger.data_hash == evidence.data_hash:
        return None
    return refuse(
        "other data", f"it learned from {challenger.data_hash:.12}, and is measured on {evidence.data_hash:.12}."
    )


def _check_size(evidence: GateEvidence) -> Decision | None:
    real = int(evidence.real.sum())
    injected = len(evidence.kinds) - real
    if real >= MIN_REAL and injected >= MIN_INJECTED:
        return None
    needed = f"{MIN_REAL} and {MIN_INJECTED} are needed"
    return refuse("too little evidence", f"{real} real pull requests and {injected} planted ones; {needed}.")


def _check_scores(challenger: Contender, evidence: GateEvidence) -> Decision | None:
    scores = challenger.scores
    if scores.shape != evidence.kinds.shape:
        return refuse("other rows", f"{scores.size} scores for {evidence.kinds.size} rows.")
    if unknown := int((~np.isfinite(scores)).sum()):
        return refuse("scores are no numbers", f"{unknown} of {scores.size} scores.")
    most = np.unique(scores.round(6), return_counts=True)[1].max() / scores.size
    if most > MAX_TIED_SHARE:
        return refuse("constant scores", f"{most:.0%} of the rows have the same score.")
    return None


def _check_flagged_share(challenger: Contender, evidence: GateEvidence) -> Decision | None:
    if not (np.isfinite(challenger.threshold) and 0 < challenger.alert_budget < 1):
        return refuse("no threshold", f"threshold {challenger.threshold}, alert budget {challenger.alert_budget}.")
    flagged = challenger.scores > challenger.threshold
    real, wanted = evidence.real, challenger.alert_budget * evidence.real.sum()
    count = int(flagged[real].sum())
    figures = f"{count} of {real.sum()} real pull requests, with a budget of {challenger.alert_budget:.1%}."
    if count > min(np.ceil(wanted * FLAGGED_FACTOR), MAX_FLAGGED_SHARE * real.sum()):
        return refuse("flags too much", figures)
    # Rounded down, for among few real rows none may be unusual; but then it finds some that are planted.
    if count < np.floor(wanted / FLAGGED_FACTOR) or not flagged.any():
        return refuse("flags too little", figures)
    return None


def _check_floor(challenger: Contender, evidence: GateEvidence) -> Decision | None:
    found, recorded = evidence.precision(challenger.scores), evidence.recorded.get("model", np.nan)
    # Every comparison is asked the way round in which NaN refuses.
    if not abs(found - recorded) <= RECORDED_TOLERANCE:
        return refuse("other figures", f"its run recorded average precision {recorded:.3f}, here it is {found:.3f}.")
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
    return refuse("taken back", "it was champion before, and only a person brings it back, by setting the alias.")


def _compare(challenger: Contender, champion: Contender, evidence: GateEvidence) -> Decision:
    if champion.scores.shape != evidence.kinds.shape or not np.isfinite(champion.scores).all():
        return refuse_incomparable(champion.name, "it gives no number for some rows.")
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
        return _accept("fresher", f"{figures}, and its data go on to {challenger.data_until:%Y-%m-%d %H:%M}.")
    if most < 0:
        return refuse("worse", f"{figures}.")
    if fresher:
        return refuse("maybe worse", f"{figures}, and a fresher model may lose {TOLERANCE} at most.")
    return refuse("not better and not fresher" if drawn.any() else "tie", f"{figures}, and its data go no further.")


def _is_fresher(challenger: Contender, champion: Contender) -> bool:
    until, before = challenger.data_until, champion.data_until
    return until is not None and before is not None and until > before
