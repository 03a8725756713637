"""Whether a model may become the champion: pure logic over scores and facts, which says yes only for a named reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from steps.register.bootstrap import gains
from steps.scoring.arrays import Floats
from steps.train.metrics import average_precision, planted_tasks

LEAST_REAL = 50
LEAST_PLANTED = 10
RECORDED_BASELINES = ("isolation_forest", "ecod")
MARGIN = 1.05
"""Even a first model finds planted anomalies better than each baseline by this factor."""
FLAGGED_FACTOR = 5
"""The flagged share of real rows may be off the alert budget by this factor."""
MOST_FLAGGED = 0.5
"""No budget is so large that flagging more than this share of the real rows is right."""
LARGEST_TIE = 0.5
"""A score that more than this share of the rows has ranks nothing."""
RECORDED_WITHIN = 0.005
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
    taken_back: bool = False


@dataclass(frozen=True)
class Evidence:
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


def decide(*, challenger: Contender, champion: Contender | None, evidence: Evidence) -> Decision:
    """Accept a challenger that is sound, above the floor, and the first, better, or fresher and not worse."""
    if champion and (challenger.content, challenger.data_hash) == (champion.content, champion.data_hash):
        return no("unchanged", f"this model is {champion.name}, the champion, already.")
    refusal = (
        _other_data(challenger, evidence)
        or _too_little(evidence)
        or _unusable(challenger, evidence)
        or _flags_wrongly(challenger, evidence)
        or _below_floor(challenger, evidence)
        or _was_taken_back(challenger)
    )
    if refusal:
        return refusal
    if champion is None:
        found = evidence.precision(challenger.scores)
        return _yes("first", f"average precision {found:.3f}, and there is no champion to compare with.")
    return _compared(challenger, champion, evidence)


def no(rule: str, sentence: str) -> Decision:
    """A refusal by a rule, with the rest of its sentence."""
    return Decision(False, rule, f"{rule.capitalize()}: {sentence}")


def incomparable(name: str, problem: str) -> Decision:
    """The refusal where the champion can't be scored on the challenger's data."""
    return no(
        "no comparison",
        f"{name} can't be compared: {problem} Remove the alias champion to let the next run start afresh.",
    )


def _yes(rule: str, sentence: str) -> Decision:
    return Decision(True, rule, f"{rule.capitalize()}: {sentence}")


def _other_data(challenger: Contender, evidence: Evidence) -> Decision | None:
    if challenger.data_hash == evidence.data_hash:
        return None
    return no("other data", f"it learned from {challenger.data_hash:.12}, and is measured on {evidence.data_hash:.12}.")


def _too_little(evidence: Evidence) -> Decision | None:
    real = int(evidence.real.sum())
    planted = len(evidence.kinds) - real
    if real >= LEAST_REAL and planted >= LEAST_PLANTED:
        return None
    needed = f"{LEAST_REAL} and {LEAST_PLANTED} are needed"
    return no("too little evidence", f"{real} real pull requests and {planted} planted ones; {needed}.")


def _unusable(challenger: Contender, evidence: Evidence) -> Decision | None:
    scores = challenger.scores
    if scores.shape != evidence.kinds.shape:
        return no("other rows", f"{scores.size} scores for {evidence.kinds.size} rows.")
    if unknown := int((~np.isfinite(scores)).sum()):
        return no("scores are no numbers", f"{unknown} of {scores.size} scores.")
    most = np.unique(scores.round(6), return_counts=True)[1].max() / scores.size
    if most > LARGEST_TIE:
        return no("constant scores", f"{most:.0%} of the rows have the same score.")
    return None


def _flags_wrongly(challenger: Contender, evidence: Evidence) -> Decision | None:
    if not (np.isfinite(challenger.threshold) and 0 < challenger.alert_budget < 1):
        return no("no threshold", f"threshold {challenger.threshold}, alert budget {challenger.alert_budget}.")
    flagged = challenger.scores > challenger.threshold
    real, wanted = evidence.real, challenger.alert_budget * evidence.real.sum()
    count = int(flagged[real].sum())
    figures = f"{count} of {real.sum()} real pull requests, with a budget of {challenger.alert_budget:.1%}."
    if count > min(np.ceil(wanted * FLAGGED_FACTOR), MOST_FLAGGED * real.sum()):
        return no("flags too much", figures)
    # Rounded down, for among few real rows none may be unusual; but then it finds some that are planted.
    if count < np.floor(wanted / FLAGGED_FACTOR) or not flagged.any():
        return no("flags too little", figures)
    return None


def _below_floor(challenger: Contender, evidence: Evidence) -> Decision | None:
    found, recorded = evidence.precision(challenger.scores), evidence.recorded.get("model", np.nan)
    # Every comparison is asked the way round in which NaN refuses.
    if not abs(found - recorded) <= RECORDED_WITHIN:
        return no("other figures", f"its run recorded average precision {recorded:.3f}, here it is {found:.3f}.")
    baselines = {name: evidence.recorded.get(name, np.nan) for name in RECORDED_BASELINES}
    for name, figure in {"lines_added": evidence.precision(evidence.additions), **baselines}.items():
        if not found > MARGIN * figure:
            return no(
                "below floor", f"average precision {found:.3f} is not above {MARGIN} times the {figure:.3f} of {name}."
            )
    return None


def _was_taken_back(challenger: Contender) -> Decision | None:
    if not challenger.taken_back:
        return None
    return no("taken back", "it was champion before, and only a person brings it back, by setting the alias.")


def _compared(challenger: Contender, champion: Contender, evidence: Evidence) -> Decision:
    if champion.scores.shape != evidence.kinds.shape or not np.isfinite(champion.scores).all():
        return incomparable(champion.name, "it gives no number for some rows.")
    drawn = gains(evidence.kinds, challenger.scores, champion.scores)
    least, most = np.quantile(drawn, (1 - CONFIDENCE, CONFIDENCE))
    found, before = evidence.precision(challenger.scores), evidence.precision(champion.scores)
    figures = (
        f"average precision {found:.3f} against {before:.3f} of {champion.name}; "
        f"the gain is between {least:+.3f} and {most:+.3f}, each with {CONFIDENCE:.0%} confidence"
    )
    fresher = _fresher(challenger, champion)
    if least > 0:
        return _yes("better", f"{figures}.")
    if fresher and least > -TOLERANCE:
        return _yes("fresher", f"{figures}, and its data go on to {challenger.data_until:%Y-%m-%d %H:%M}.")
    if most < 0:
        return no("worse", f"{figures}.")
    if fresher:
        return no("maybe worse", f"{figures}, and a fresher model may lose {TOLERANCE} at most.")
    return no("not better and not fresher" if drawn.any() else "tie", f"{figures}, and its data go no further.")


def _fresher(challenger: Contender, champion: Contender) -> bool:
    until, before = challenger.data_until, champion.data_until
    return until is not None and before is not None and until > before
