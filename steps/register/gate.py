"""The gate that decides whether a model becomes the champion: pure logic over scores and facts."""

import math
from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from steps.register.bootstrap import bootstrap_gains
from steps.register.evidence import Contender, Decision, GateEvidence, ReferenceFigures
from steps.scoring.arrays import Floats
from steps.train.metrics import Bools

MIN_REAL = 50
MIN_INJECTED = 10
MIN_HELD_OUT = 10
"""With fewer injected anomalies of held-out kinds, these are not judged."""
ENOUGH_REAL = 1_000
"""Among so many real rows, fewer anomalies of held-out kinds are missing, not rare."""
RECORDED_BASELINES = ("isolation_forest", "ecod")
MARGIN = 1.05
"""Factor by which even a first model must beat the average precision of each baseline."""
MAX_FLAGGED_FACTOR = 2
"""Factor by which the flagged share of real rows may exceed the alert budget, over all and in each repository; among
few rows, chance is allowed for."""
CHANCE_DEVIATIONS = 3
MIN_JUDGED = 300
"""A repository with fewer real rows is not judged by itself."""
MIN_FLAGGED_FACTOR = 5
"""Factor by which the share over all may fall short of the budget."""
MAX_FLAGGED_SHARE = 0.5
"""Largest share of the real rows that may be flagged, whatever the budget."""
MAX_TIED_SHARE = 0.5
"""Largest share of the rows that may have the same score."""
RECORDED_TOLERANCE = 0.005
"""Average precisions that differ by no more are equal: the recorded one and this, or two models'; processors round."""
MIN_TRUE_SHARE = 0.9
"""Least share of true statements about rarity; chance is allowed for."""
MAX_CLOCK_SKEW = timedelta(days=1)
CONFIDENCE = 0.95
TOLERANCE = 0.02
"""Largest loss of average precision for a fresher model, and on held-out kinds for any."""
CUMULATIVE_TOLERANCE = 0.02
"""Largest loss on the reference set against the best recent champion, however many small losses it is made of."""


def decide(
    *,
    challenger: Contender,
    champion: Contender | None,
    evidence: GateEvidence,
    reference: ReferenceFigures | None = None,
) -> Decision:
    """Accept a challenger that is valid, above the floor, and the first, better, or fresher and not worse.

    With a champion, a challenger without figures on the reference set is refused.
    """
    if champion and (challenger.content, challenger.data_hash) == (champion.content, champion.data_hash):
        return refuse("unchanged", f"this model is already {champion.name}, the champion.")
    refusal = (
        _check_data(challenger, evidence)
        or _check_size(evidence)
        or _check_scores(challenger, evidence)
        or _check_flagged_share(challenger, evidence)
        or _check_repositories(challenger, evidence)
        or _check_reasons(evidence)
        or _check_floor(challenger, evidence)
        or _check_held_out(challenger, evidence)
        or _check_not_demoted(challenger)
    )
    if refusal:
        return refusal
    if champion is None:
        found = evidence.precision(challenger.scores)
        return _accept("first", f"average precision {found:.3f}, and there is no champion to compare with.")
    decision = _compare(challenger, champion, evidence)
    if not decision.accepted:
        return decision
    return _check_reference(reference) or _check_held_out_loss(challenger, champion, evidence) or decision


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
    if challenger.data_hash != evidence.data_hash:
        return refuse(
            "other data", f"it was trained on {challenger.data_hash:.12}, but is measured on {evidence.data_hash:.12}."
        )
    until = challenger.data_until
    if until is not None and until > evidence.measured_at + MAX_CLOCK_SKEW:
        return refuse("from the future", f"its data extend to {until:%Y-%m-%d %H:%M}, which is yet to come.")
    return None


def _check_size(evidence: GateEvidence) -> Decision | None:
    real, held_out = int(evidence.real.sum()), int(evidence.held_out.sum())
    injected = len(evidence.kinds) - real - held_out
    if real < MIN_REAL or injected < MIN_INJECTED:
        needed = f"{MIN_REAL} and {MIN_INJECTED} are needed"
        return refuse("too little evidence", f"{real} real pull requests and {injected} injected anomalies; {needed}.")
    if real >= ENOUGH_REAL and held_out < MIN_HELD_OUT:
        return refuse(
            "too little evidence", f"{held_out} anomalies of held-out kinds, of which {MIN_HELD_OUT} are needed."
        )
    return None


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
    flagged = _find_flagged(challenger)
    real, wanted = evidence.real, challenger.alert_budget * evidence.real.sum()
    count = int(flagged[real].sum())
    figures = f"{count} of {real.sum()} real pull requests, with a budget of {challenger.alert_budget:.1%}."
    if count > min(np.ceil(_most_flagged(wanted)), MAX_FLAGGED_SHARE * real.sum()):
        return refuse("flags too much", figures)
    # Rounded down: of few real rows, none may be unusual. But then some injected ones must be flagged.
    if count < np.floor(wanted / MIN_FLAGGED_FACTOR) or not flagged.any():
        return refuse("flags too little", figures)
    return None


def _find_flagged(challenger: Contender) -> Bools:
    return challenger.scores > challenger.threshold if challenger.flagged is None else challenger.flagged


def _most_flagged(wanted: float) -> float:
    """Return how many rows may be flagged where `wanted` are expected: some more by chance, where these are few."""
    return max(wanted * MAX_FLAGGED_FACTOR, wanted + CHANCE_DEVIATIONS * math.sqrt(wanted) + 1)


def _check_repositories(challenger: Contender, evidence: GateEvidence) -> Decision | None:
    """Refuse a model that flags far more or far fewer of one repository's pull requests than its budget."""
    flagged = _find_flagged(challenger)
    wrong: dict[str, list[str]] = {"flags too much": [], "flags too little": []}
    for name, own in _judged_repositories(evidence):
        count, rows = int(flagged[own].sum()), int(own.sum())
        wanted = challenger.alert_budget * rows
        if count > _most_flagged(wanted):
            wrong["flags too much"].append(f"{count} of {rows} of {name}")
        if count < min(wanted / MAX_FLAGGED_FACTOR, wanted - CHANCE_DEVIATIONS * math.sqrt(wanted) - 1):
            wrong["flags too little"].append(f"{count} of {rows} of {name}")
    for rule, found in wrong.items():
        if found:
            return refuse(rule, f"{', '.join(found)}, with a budget of {challenger.alert_budget:.1%}.")
    return None


def _judged_repositories(evidence: GateEvidence) -> Iterator[tuple[str, Bools]]:
    """Yield each repository with enough real rows to be judged by itself, and these rows [rows]."""
    for name in sorted(set(evidence.repositories)):
        own = evidence.real & (evidence.repositories == name)
        if own.sum() >= MIN_JUDGED:
            yield name, own


def _check_reasons(evidence: GateEvidence) -> Decision | None:
    """Refuse a model whose statements about rarity the newest pull requests contradict."""
    count, true, contradicted = evidence.reasons
    if evidence.recorded_reasons != (count, true):
        return refuse(
            "other figures",
            f"of statements about rarity, {true} of {count} are true here; its run recorded other counts, or none.",
        )
    if contradicted:
        return refuse("untrue reasons", f"the newest pull requests contradict {', '.join(sorted(contradicted))}.")
    allowed = (1 - MIN_TRUE_SHARE) * count
    if count - true > allowed + CHANCE_DEVIATIONS * math.sqrt(allowed):
        return refuse("untrue reasons", f"{count - true} of {count} statements about rarity are untrue.")
    if not count and any(True for _ in _judged_repositories(evidence)):
        return refuse("unchecked reasons", "no statement about rarity could be checked.")
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


def _check_held_out(challenger: Contender, evidence: GateEvidence) -> Decision | None:
    """Refuse a model that is good only at the kinds of anomalies that choices were made by."""
    if evidence.held_out.sum() < MIN_HELD_OUT:
        return None
    found = evidence.precision(challenger.scores, held_out=True)
    recorded = evidence.recorded_held_out.get("model", np.nan)
    if not abs(found - recorded) <= RECORDED_TOLERANCE:
        return refuse(
            "other figures",
            f"its run recorded an average precision of {recorded:.3f} on held-out kinds, but here it is {found:.3f}.",
        )
    least = MARGIN * evidence.precision(evidence.additions, held_out=True)
    if not found > least:
        return refuse(
            "only known kinds",
            f"average precision {found:.3f} on held-out kinds; lines_added has {least / MARGIN:.3f}.",
        )
    return None


def _check_held_out_loss(challenger: Contender, champion: Contender, evidence: GateEvidence) -> Decision | None:
    """Refuse a model that certainly loses more than the tolerance on the kinds that no choice has seen."""
    if evidence.held_out.sum() < MIN_HELD_OUT:
        return None
    most = np.quantile(_draw_gains(challenger, champion, evidence, held_out=True), CONFIDENCE)
    if not most >= -TOLERANCE:
        return refuse("only known kinds", f"on held-out kinds it loses at least {-most:.3f} against {champion.name}.")
    return None


def _check_reference(reference: ReferenceFigures | None) -> Decision | None:
    """Refuse a model that small losses, one after the other, have brought too far below the best recent champion."""
    if reference is None or not reference.recent:
        return refuse("no comparison", "there are no figures on the reference set.")
    version, best = reference.best
    if not best - reference.found <= CUMULATIVE_TOLERANCE:
        return refuse(
            "losses add up",
            f"average precision {reference.found:.3f} on the reference set, where version {version} had {best:.3f}; "
            f"recent champions together may lose {CUMULATIVE_TOLERANCE}.",
        )
    return None


def _check_not_demoted(challenger: Contender) -> Decision | None:
    if not challenger.was_demoted:
        return None
    return refuse("demoted", "it was champion before; only a person can promote it again, by setting the alias.")


def _compare(challenger: Contender, champion: Contender, evidence: GateEvidence) -> Decision:
    if champion.scores.shape != evidence.kinds.shape or not np.isfinite(champion.scores).all():
        return refuse_incomparable(champion.name, "some of its scores are not numbers.")
    drawn = _draw_gains(challenger, champion, evidence, held_out=False)
    least, most = np.quantile(drawn, (1 - CONFIDENCE, CONFIDENCE))
    found, before = evidence.precision(challenger.scores), evidence.precision(champion.scores)
    figures = (
        f"average precision {found:.3f} against {before:.3f} of {champion.name}; "
        f"the gain is between {least:+.3f} and {most:+.3f}, each with {CONFIDENCE:.0%} confidence"
    )
    fresher = _is_fresher(challenger, champion)
    if least > 0:
        return _accept("better", f"{figures}.")
    # Among few rows the interval is wider than the tolerance, of equal models too: the retraining would end for good.
    # What differs by less than a measurement is reproduced by is equal; many such losses meet the reference set.
    if fresher and (least > -TOLERANCE or found >= before - RECORDED_TOLERANCE):
        return _accept("fresher", f"{figures}, and its data extend to {challenger.data_until:%Y-%m-%d %H:%M}.")
    if most < 0:
        return refuse("worse", f"{figures}.")
    if fresher:
        return refuse("maybe worse", f"{figures}, and a fresher model that is behind may lose at most {TOLERANCE}.")
    return refuse("not better and not fresher" if drawn.any() else "tie", f"{figures}, and its data are not newer.")


def _draw_gains(challenger: Contender, champion: Contender, evidence: GateEvidence, *, held_out: bool) -> Floats:
    """Return the challenger's gains over the champion on known or on held-out kinds, in resamples [rounds]."""
    rows = evidence.select(held_out=held_out)
    return bootstrap_gains(evidence.kinds[rows], challenger.scores[rows], champion.scores[rows])


def _is_fresher(challenger: Contender, champion: Contender) -> bool:
    until, before = challenger.data_until, champion.data_until
    return until is not None and before is not None and until > before
