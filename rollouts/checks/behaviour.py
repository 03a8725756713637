"""Whether the candidate judges pull requests much like the active model does, and neither flags all nor nothing."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from rollouts.checks.service import BROKEN, Service
from rollouts.checks.verdict import Verdict

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
POWERS = np.arange(1, 13)
MOST_LISTED = 10


@dataclass(frozen=True)
class Limits:
    """What must hold.

    `correlation` is of the ranks over all pull requests, 0 for a model that guesses and 1 for the same one. Scores are
    powers of ten of rarity whatever the model, so two sound ones spread alike: a population `stability` index over 0.25
    is called a major shift wherever it is in use. The usual alert budget is 1 %, so a tenth of the real pull requests
    `flagged` is too much for anybody, and of the planted ones half as many as by the active model must be `found`.
    All that says something only where a repository's history is `known` for most.
    """

    real: int = 200
    planted: int = 40
    correlation: float = 0.7
    stability: float = 0.25
    flagged: float = 0.1
    found: float = 0.5
    known: float = 0.8


REBUILT = Limits(correlation=0.999, stability=0.01, found=0.99)
"""For the same model in another build, which may differ only while a history is being renewed."""


@dataclass(frozen=True)
class Side:
    """A service's answers, in the order of the pull requests; `failure` says why there are none.

    `known` are those that were compared with their own repository's history.
    """

    address: str
    digest: str = ""
    scores: Floats = field(default_factory=lambda: np.array([]))
    flagged: Bools = field(default_factory=lambda: np.array([], bool))
    known: Bools = field(default_factory=lambda: np.array([], bool))
    failure: str = ""


def verdict(candidate: Side, active: Side, ids: Sequence[str], planted: Bools, expected: str | None) -> Verdict:
    """Compare two services' answers to the pull requests `ids`, of which some are `planted`.

    The same digest on both sides is refused as a comparison with itself, unless it is the expected one.
    """
    if itself := _itself(candidate, active, expected):
        return Verdict(wrong=[itself])
    if candidate.failure:
        return Verdict(wrong=[f"the candidate: {candidate.failure}"])
    if active.failure:
        return Verdict(unclear=[f"nothing to compare with: {active.failure}"])
    if not len(ids) == len(planted) == len(candidate.scores) == len(active.scores):
        return Verdict(wrong=["not as many answers as pull requests"])
    limits = REBUILT if candidate.digest == active.digest else Limits()
    if unclear := [*_too_little(active, planted, limits)]:
        return Verdict(unclear=unclear)
    wrong = [
        *_shift(candidate, active, limits),
        *_flags(candidate, active, planted, limits),
        *_unknown(candidate, limits),
    ]
    return Verdict(wrong, seen=[*_seen(candidate, active, planted), *_disagreements(candidate, active, ids)])


def _itself(candidate: Side, active: Side, expected: str | None) -> str | None:
    if candidate.address.rstrip("/") == active.address.rstrip("/"):
        return f"{candidate.address} would be compared with itself"
    if candidate.digest and candidate.digest == active.digest != expected:
        return "both sides have the same model, which nobody said to expect"
    if candidate.digest and expected not in (None, candidate.digest):
        return f"the candidate has the model {candidate.digest[:12]} instead of {str(expected)[:12]}"
    return None


def _too_little(active: Side, planted: Bools, limits: Limits) -> Iterator[str]:
    for kind, count, least in (("real", (~planted).sum(), limits.real), ("planted", planted.sum(), limits.planted)):
        if count < least:
            yield f"{count} {kind} pull requests are too few; {least} are needed"
    if not (known := _share(active.known)) >= limits.known:
        yield f"the active model knows the repository's history for {known:.1%}, {limits.known:.0%} are needed"
    if _flat(active.scores):
        yield "the active model gives no scores to compare with"


def _shift(candidate: Side, active: Side, limits: Limits) -> Iterator[str]:
    if _flat(candidate.scores):
        yield "the candidate gives everything the same score, or none"
        return
    if not (ranks := correlation(candidate, active)) >= limits.correlation:
        yield f"rank correlation {ranks:.3f}, at least {limits.correlation} wanted"
    if not (stability := psi(active.scores, candidate.scores)) <= limits.stability:
        yield f"population stability index {stability:.3f}, limit {limits.stability}"


def _flags(candidate: Side, active: Side, planted: Bools, limits: Limits) -> Iterator[str]:
    if not candidate.flagged.any():
        yield "the candidate flags nothing"
    if not (share := _share(candidate.flagged[~planted])) <= limits.flagged:
        yield f"the candidate flags {share:.1%} of the real pull requests, limit {limits.flagged:.0%}"
    found, wanted = _share(candidate.flagged[planted]), limits.found * _share(active.flagged[planted])
    if not found >= wanted:
        yield f"the candidate flags {found:.1%} of the planted pull requests, at least {wanted:.1%} wanted"


def _unknown(candidate: Side, limits: Limits) -> Iterator[str]:
    if not (known := _share(candidate.known)) >= limits.known:
        yield f"the candidate finds the repository's history for {known:.1%} only, which the active model finds"


def correlation(candidate: Side, active: Side) -> float:
    """Spearman's, of two sides' scores; NaN where there is nothing to rank."""
    if _flat(candidate.scores) or _flat(active.scores):
        return math.nan
    return float(spearmanr(candidate.scores, active.scores).statistic)


def psi(usual: Floats, found: Floats) -> float:
    """The population stability index of scores, in a bin for each power of ten, with half a score more in each."""
    shares = [
        _smoothed(np.bincount(np.digitize(scores, POWERS), minlength=len(POWERS) + 1)) for scores in (usual, found)
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def _smoothed(counts: NDArray[np.int64]) -> Floats:
    more = counts + 0.5
    return np.asarray(more / more.sum(), float)


def _flat(scores: Floats) -> bool:
    """Whether they tell nothing apart: all the same, none, or some that are no numbers."""
    return not np.isfinite(scores).all() or len(np.unique(scores)) < 2  # noqa: PLR2004


def _share(flags: Bools) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def _seen(candidate: Side, active: Side, planted: Bools) -> Iterator[str]:
    yield f"{(~planted).sum()} real pull requests and {planted.sum()} planted ones"
    yield f"rank correlation {correlation(candidate, active):.3f}"
    yield f"population stability index {psi(active.scores, candidate.scores):.3f}"
    for kind, chosen in (("real", ~planted), ("planted", planted)):
        shares = [f"{_share(side.flagged[chosen]):.1%}" for side in (candidate, active)]
        yield f"flagged of the {kind}: {shares[0]}, by the active model {shares[1]}"


def _disagreements(candidate: Side, active: Side, ids: Sequence[str]) -> Iterator[str]:
    """Those that one side flags and the other doesn't, the furthest apart first."""
    apart = np.flatnonzero(candidate.flagged != active.flagged)
    yield f"{len(apart)} are flagged by one side alone"
    for place in apart[np.argsort(-np.abs(candidate.scores - active.scores)[apart])][:MOST_LISTED]:
        yield f"  {ids[place]}: {candidate.scores[place]:.2f}, by the active model {active.scores[place]:.2f}"


def ask(address: str, pulls: Sequence[Mapping[str, Any]]) -> Side:
    """What a service answers to pull requests."""
    service, digest = Service(address), ""
    try:
        digest = service.digest()
        results = service.results(pulls, digest)
    except BROKEN as error:
        return Side(address, digest, failure=str(error))
    scores, flagged = ([result[kept] for result in results] for kept in ("score", "unusual"))
    known = [result.get("history") == "repository" for result in results]
    return Side(address, digest, np.array(scores, float), np.array(flagged, bool), np.array(known, bool))
