"""Figures of a ranking with bootstrap intervals, built so that none of them can flatter.

Equal scores are one step, no positives give no figure, and too few positives give no interval.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Bools = NDArray[np.bool_]

RESAMPLES = 400
CONFIDENCE = 0.90
MIN_POSITIVES = 5
"""Fewer positives vary too little among themselves for an interval that means anything."""
SHARES = (0.01, 0.05, 0.10)
WINDOW = 1_000
"""Consecutive pull requests over which an alert budget has to be kept."""


class Estimate(NamedTuple):
    """A figure with the ends of its interval, which are None where there are too few positives."""

    value: float
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, float | None]:
        """Return plain values, rounded to five decimals."""
        return {name: None if part is None else round(part, 5) for name, part in self._asdict().items()}


@dataclass(frozen=True)
class Ranking:
    """Positives and negatives in groups of equal rank, from the highest score down.

    `positives` [strata, groups] and `negatives` [groups] are counts; `weights` [strata] is what one positive of each
    stratum counts against one negative.
    """

    positives: Counts
    negatives: Counts
    weights: Floats

    @classmethod
    def build(cls, positives: Sequence[Floats], negatives: Floats, share: float | None = None) -> "Ranking":
        """Group scores; negatives between two positives are one group, for their order changes nothing.

        Args:
            positives: scores of each stratum, for example of each kind.
            negatives: scores.
            share: what all positives together weigh against all negatives, evenly by stratum; None counts each as one.

        Raises:
            ValueError: a score is not a number.
        """
        strata = [scores for scores in positives if len(scores)]
        if not all(np.isfinite(scores).all() for scores in (*strata, negatives)):
            raise ValueError("A score is not a number.")
        levels = np.unique(np.concatenate(strata)) if strata else np.empty(0)
        groups = 2 * len(levels) + 1
        counts = [np.bincount(groups - 1 - _group(levels, scores), minlength=groups) for scores in strata]
        even = None if share is None else share * len(negatives) / max(len(strata), 1)
        weights = [1.0 if even is None else even / len(scores) for scores in strata]
        return cls(
            np.array(counts, np.int64).reshape(len(strata), groups),
            np.bincount(groups - 1 - _group(levels, negatives), minlength=groups),
            np.array(weights),
        )

    @property
    def size(self) -> int:
        """The number of positives."""
        return int(self.positives.sum())

    def resample(self, random: np.random.Generator, times: int) -> tuple[Floats, Floats]:
        """Draw positives (each stratum by itself) and negatives with replacement.

        Returns:
            Weight of the positives and of the negatives [times, groups].
        """
        hits = np.zeros((times, len(self.negatives)))
        for counts, weight in zip(self.positives, self.weights, strict=True):
            hits += weight * _draw(random, counts, times)
        return hits, _draw(random, self.negatives, times)

    def plain(self) -> tuple[Floats, Floats]:
        """Return the weights [1, groups] as they are, without drawing."""
        return (self.weights @ self.positives)[None], self.negatives[None].astype(float)


def average_precision(hits: Floats, misses: Floats) -> Floats:
    """Return the area under the precision-recall curve as a step function [times]; equal scores are one step."""
    gained = np.cumsum(hits, axis=1)
    total = gained + np.cumsum(misses, axis=1)
    precision = np.divide(gained, total, out=np.zeros_like(total), where=total > 0)
    return np.asarray((hits * precision).sum(axis=1) / gained[:, -1])


def roc_auc(hits: Floats, misses: Floats) -> Floats:
    """Return the probability [times] that a positive scores above a negative; equal scores count half."""
    below = misses.sum(axis=1, keepdims=True) - np.cumsum(misses, axis=1)
    area = (hits * (below + misses / 2)).sum(axis=1)
    return np.asarray(area / (hits.sum(axis=1) * misses.sum(axis=1)))


def recall_at(share: float, hits: Floats, misses: Floats) -> Floats:
    """Return the share of the positives [times] in the highest-scored `share` of all; a tie counts in proportion."""
    gained, total = np.cumsum(hits, axis=1), np.cumsum(hits + misses, axis=1)
    wanted = share * total[:, -1:]
    place = np.minimum((total < wanted).sum(axis=1), total.shape[1] - 1)[:, None]
    inside, weight = (np.take_along_axis(part, place, axis=1) for part in (hits, hits + misses))
    missing = np.take_along_axis(total, place, axis=1) - wanted
    part = np.divide(missing, weight, out=np.zeros_like(missing), where=weight > 0)
    found = np.take_along_axis(gained, place, axis=1) - inside * part
    return np.asarray((found / gained[:, -1:])[:, 0])


def precision_at(share: float, hits: Floats, misses: Floats) -> Floats:
    """Return the share [times] of positives among the highest-scored `share` of all."""
    positives, total = hits.sum(axis=1), (hits + misses).sum(axis=1)
    return np.asarray(recall_at(share, hits, misses) * positives / (share * total))


def figures() -> dict[str, Callable[[Floats, Floats], Floats]]:
    """Return every figure of a ranking by its name."""
    found: dict[str, Callable[[Floats, Floats], Floats]] = {"average_precision": average_precision, "roc_auc": roc_auc}
    for name, figure in (("recall", recall_at), ("precision", precision_at)):
        for share in SHARES:
            found[f"{name}_at_{share:.0%}".rstrip("%")] = _at(figure, share)
    return found


def measure(ranking: Ranking, random: np.random.Generator) -> dict[str, Estimate | None]:
    """Estimate every figure of a ranking; None where there is nothing to find, or nothing to tell it from."""
    if not ranking.size or not ranking.negatives.sum():
        return dict.fromkeys(figures())
    plain = {name: float(figure(*ranking.plain())[0]) for name, figure in figures().items()}
    if ranking.size < MIN_POSITIVES:
        return {name: Estimate(value) for name, value in plain.items()}
    drawn = ranking.resample(random, RESAMPLES)
    return {name: Estimate(plain[name], *_ends(figure(*drawn))) for name, figure in figures().items()}


def flagged_share(flags: Bools, random: np.random.Generator) -> dict[str, Any]:
    """Measure the share that is flagged among pull requests in the order of their opening.

    Returns:
        `share` with its interval, and the highest and lowest share of any WINDOW consecutive ones (of all, where there
        are fewer).
    """
    if not len(flags):
        return {"share": None, "highest": None, "lowest": None}
    share = float(flags.mean())
    drawn = random.binomial(len(flags), share, RESAMPLES) / len(flags)
    window = min(WINDOW, len(flags))
    sums = np.cumsum(np.append(0, flags))
    rolling = (sums[window:] - sums[:-window]) / window
    return {
        "share": Estimate(share, *_ends(drawn)).to_json(),
        "highest": float(rolling.max()),
        "lowest": float(rolling.min()),
    }


def share_of(hits: int, total: int, random: np.random.Generator) -> Estimate | None:
    """Estimate a share of some cases; None for none, no interval for fewer than MIN_POSITIVES."""
    if not total:
        return None
    share = hits / total
    return (
        Estimate(share, *_ends(random.binomial(total, share, RESAMPLES) / total))
        if total >= MIN_POSITIVES
        else (Estimate(share))
    )


def _group(levels: Floats, scores: Floats) -> Counts:
    """Return each score's group, from the lowest up: 2 i + 1 for one equal to the i-th level, 2 i for one below it."""
    place = np.searchsorted(levels, scores)
    tied = np.append(levels, np.nan)[place] == scores
    return np.asarray(2 * place + tied)


def _draw(random: np.random.Generator, counts: Counts, times: int) -> Floats:
    """Draw as many as there are, with replacement [times, groups]."""
    drawn = np.zeros((times, len(counts)))
    present = np.flatnonzero(counts)
    drawn[:, present] = random.multinomial(counts.sum(), counts[present] / counts.sum(), times)
    return drawn


def _ends(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def _at(figure: Callable[[float, Floats, Floats], Floats], share: float) -> Callable[[Floats, Floats], Floats]:
    return lambda hits, misses: figure(share, hits, misses)
