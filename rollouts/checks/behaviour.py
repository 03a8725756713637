"""The behaviour check: the candidate must score much like the active model, and flag neither everything nor nothing."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy  # loads `stats`, which takes a second, when it is used
from numpy.typing import NDArray

from rollouts.checks.service import FAILURES, ServiceClient
from rollouts.checks.verdict import CheckVerdict

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
POWERS = np.arange(1, 13)
MAX_LISTED = 10


@dataclass(frozen=True)
class BehaviourLimits:
    """The limits of the check.

    `correlation` is the minimum rank correlation over all pull requests: 0 for a model that guesses, 1 for the same
    model. Scores are powers of ten of rarity for every model, so two sound models have similar distributions: a
    population `stability` index over 0.25 is commonly called a major shift. The usual alert budget is 1 %, so a tenth
    of the real pull requests `flagged` is too much, and at least half as many of the injected ones as by the active
    model must be `found`. All of this is only meaningful if most repositories' histories are `known`.
    """

    real: int = 200
    injected: int = 40
    correlation: float = 0.7
    stability: float = 0.25
    flagged: float = 0.1
    found: float = 0.5
    known: float = 0.8


REBUILT_LIMITS = BehaviourLimits(correlation=0.999, stability=0.01, found=0.99)
"""Limits for another build of the same model, which may only differ while a history is being refreshed."""


@dataclass(frozen=True)
class Side:
    """A service's results, in the order of the pull requests; `failure` says why there are none.

    `known` marks those that were scored with their own repository's history.
    """

    address: str
    digest: str = ""
    scores: Floats = field(default_factory=lambda: np.array([]))
    flagged: Bools = field(default_factory=lambda: np.array([], bool))
    known: Bools = field(default_factory=lambda: np.array([], bool))
    failure: str = ""


def judge(candidate: Side, active: Side, ids: Sequence[str], injected: Bools, expected: str | None) -> CheckVerdict:
    """Compare two services' results for the pull requests `ids`, some of which are `injected` anomalies.

    The same digest on both sides fails as a comparison with itself, unless it is the expected digest.
    """
    if itself := _find_self_comparison(candidate, active, expected):
        return CheckVerdict(wrong=[itself])
    if candidate.failure:
        return CheckVerdict(wrong=[f"the candidate: {candidate.failure}"])
    if active.failure:
        return CheckVerdict(unclear=[f"nothing to compare with: {active.failure}"])
    if not len(ids) == len(injected) == len(candidate.scores) == len(active.scores):
        return CheckVerdict(wrong=["the number of results differs from the number of pull requests"])
    limits = REBUILT_LIMITS if candidate.digest == active.digest else BehaviourLimits()
    if unclear := [*_find_missing_data(active, injected, limits)]:
        return CheckVerdict(unclear=unclear)
    wrong = [
        *_find_shift(candidate, active, limits),
        *_find_wrong_flags(candidate, active, injected, limits),
        *_find_missing_history(candidate, limits),
    ]
    return CheckVerdict(
        wrong, seen=[*_describe(candidate, active, injected), *_list_disagreements(candidate, active, ids)]
    )


def _find_self_comparison(candidate: Side, active: Side, expected: str | None) -> str | None:
    if candidate.address.rstrip("/") == active.address.rstrip("/"):
        return f"{candidate.address} would be compared with itself"
    if candidate.digest and candidate.digest == active.digest != expected:
        return "both sides have the same model, which is not the expected one"
    if candidate.digest and expected not in (None, candidate.digest):
        return f"the candidate has the model {candidate.digest[:12]} instead of {str(expected)[:12]}"
    return None


def _find_missing_data(active: Side, injected: Bools, limits: BehaviourLimits) -> Iterator[str]:
    for kind, count, least in (("real", (~injected).sum(), limits.real), ("injected", injected.sum(), limits.injected)):
        if count < least:
            yield f"{count} {kind} pull requests are too few; {least} are needed"
    if not (known := _share(active.known)) >= limits.known:
        yield f"the active model knows the repository's history for {known:.1%}, {limits.known:.0%} needed"
    if _is_flat(active.scores):
        yield "the active model's scores are all the same or not numbers"


def _find_shift(candidate: Side, active: Side, limits: BehaviourLimits) -> Iterator[str]:
    if _is_flat(candidate.scores):
        yield "the candidate's scores are all the same or not numbers"
        return
    if not (ranks := correlation(candidate, active)) >= limits.correlation:
        yield f"rank correlation {ranks:.3f}, at least {limits.correlation} required"
    if not (stability := psi(active.scores, candidate.scores)) <= limits.stability:
        yield f"population stability index {stability:.3f}, limit {limits.stability}"


def _find_wrong_flags(candidate: Side, active: Side, injected: Bools, limits: BehaviourLimits) -> Iterator[str]:
    if not candidate.flagged.any():
        yield "the candidate flags nothing"
    if not (share := _share(candidate.flagged[~injected])) <= limits.flagged:
        yield f"the candidate flags {share:.1%} of the real pull requests, limit {limits.flagged:.0%}"
    found, wanted = _share(candidate.flagged[injected]), limits.found * _share(active.flagged[injected])
    if not found >= wanted:
        yield f"the candidate flags {found:.1%} of the injected pull requests, at least {wanted:.1%} required"


def _find_missing_history(candidate: Side, limits: BehaviourLimits) -> Iterator[str]:
    if not (known := _share(candidate.known)) >= limits.known:
        yield f"the candidate finds the repository's history for only {known:.1%}, unlike the active model"


def correlation(candidate: Side, active: Side) -> float:
    """Return Spearman's rank correlation of two sides' scores; NaN if there is nothing to rank."""
    if _is_flat(candidate.scores) or _is_flat(active.scores):
        return math.nan
    return float(scipy.stats.spearmanr(candidate.scores, active.scores).statistic)


def psi(usual: Floats, found: Floats) -> float:
    """Return the population stability index, with a bin for each power of ten and half a score added to each."""
    shares = [_smooth(np.bincount(np.digitize(scores, POWERS), minlength=len(POWERS) + 1)) for scores in (usual, found)]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def _smooth(counts: NDArray[np.int64]) -> Floats:
    more = counts + 0.5
    return np.asarray(more / more.sum(), float)


def _is_flat(scores: Floats) -> bool:
    """Return whether scores can't be ranked: all the same, empty, or with NaN or infinity."""
    return not np.isfinite(scores).all() or len(np.unique(scores)) < 2  # noqa: PLR2004


def _share(flags: Bools) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def _describe(candidate: Side, active: Side, injected: Bools) -> Iterator[str]:
    yield f"{(~injected).sum()} real and {injected.sum()} injected pull requests"
    yield f"rank correlation {correlation(candidate, active):.3f}"
    yield f"population stability index {psi(active.scores, candidate.scores):.3f}"
    for kind, chosen in (("real", ~injected), ("injected", injected)):
        shares = [f"{_share(side.flagged[chosen]):.1%}" for side in (candidate, active)]
        yield f"flagged {kind} pull requests: {shares[0]}, by the active model {shares[1]}"


def _list_disagreements(candidate: Side, active: Side, ids: Sequence[str]) -> Iterator[str]:
    """Yield the pull requests that only one side flags, the largest difference first."""
    apart = np.flatnonzero(candidate.flagged != active.flagged)
    yield f"{len(apart)} are flagged by one side only"
    for place in apart[np.argsort(-np.abs(candidate.scores - active.scores)[apart])][:MAX_LISTED]:
        yield f"  {ids[place]}: {candidate.scores[place]:.2f}, by the active model {active.scores[place]:.2f}"


def score_all(address: str, pulls: Sequence[Mapping[str, Any]]) -> Side:
    """Score pull requests with a service."""
    service, digest = ServiceClient(address), ""
    try:
        digest = service.digest()
        results = service.results(pulls, digest)
    except FAILURES as error:
        return Side(address, digest, failure=str(error))
    scores, flagged = ([result[kept] for result in results] for kept in ("score", "unusual"))
    known = [result.get("history") == "repository" for result in results]
    return Side(address, digest, np.array(scores, float), np.array(flagged, bool), np.array(known, bool))
