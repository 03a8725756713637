"""Comparison of recent pull requests with a champion's reference: which quantities have drifted, and how far.

A quantity has drifted if its distribution is further from the reference than parts of the reference are from each
other, by the statistic of Kolmogorov and Smirnov; the flagged share has if chance alone explains it no longer. What
can't be compared is `unknown`, never `stable`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, ks_2samp

from steps.scoring.arrays import Floats

WINDOW = 200
"""The newest pull requests that are compared."""
MIN_RECENT = 100
MIN_REFERENCE = 150
MAX_REFERENCE = 1_000
"""The newest pull requests of a champion's dataset are its reference."""
MIN_DISTANCE = 0.25
"""A smaller distance, from 0 to 1, is not drift: a quarter of the pull requests at least are different."""
MARGIN = 1.5
"""By which the distance must exceed the largest one within the reference."""
MAX_CHANCE = 1e-6
MIN_EXCESS = 2.0
"""By which the flagged share must exceed the alert budget."""
SCORE, FLAGGED = "score", "flagged_share"
TOGETHER = "all repositories together"

Verdict = Literal["drift", "stable", "unknown"]


@dataclass(frozen=True)
class Sample:
    """Pull requests in the order of opening: when, in Unix time [rows], values [rows, quantities], flagged [rows]."""

    opened: Floats
    values: Floats
    flagged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.opened)

    def select(self, places: Any) -> "Sample":
        """Return the rows at these places, a slice or indices."""
        return Sample(self.opened[places], self.values[places], self.flagged[places])

    def newest(self, most: int) -> "Sample":
        """Return the newest rows."""
        return self if len(self) <= most else self.select(slice(len(self) - most, None))

    @cached_property
    def usual_distances(self) -> Floats:
        """The largest distance [quantities] between a part of the rows and the rest of them."""
        usual = np.zeros(self.values.shape[1])
        for start in range(0, len(self) - WINDOW + 1, WINDOW // 2):
            part = self.values[start : start + WINDOW]
            rest = np.concatenate([self.values[:start], self.values[start + WINDOW :]])
            if len(rest) >= MIN_RECENT:
                usual = np.fmax(usual, ks_2samp(rest, part, method="asymp").statistic)
        return usual


def concatenate(samples: Sequence[Sample]) -> Sample:
    """Put samples behind each other, in the order of opening."""
    opened = np.concatenate([sample.opened for sample in samples])
    values = np.concatenate([sample.values for sample in samples])
    flagged = np.concatenate([sample.flagged for sample in samples])
    return Sample(opened, values, flagged).select(np.argsort(opened, kind="stable"))


class Movement(NamedTuple):
    """A quantity that has drifted: its distance from the reference, and the largest that was still usual."""

    quantity: str
    distance: float
    limit: float


class Pair(NamedTuple):
    """What the champion knows of a repository, and what was opened since."""

    reference: Sample
    recent: Sample


class DriftComparison(NamedTuple):
    """The result for a repository, or for all together; movements begin with the largest.

    It is `damaged` if there are enough pull requests, and their values can't be used.
    """

    repository: str
    verdict: Verdict
    reason: str
    recent: int = 0
    reference: int = 0
    movements: tuple[Movement, ...] = ()
    damaged: bool = False


def compare_all(pairs: Mapping[str, Pair], quantities: Sequence[str], budget: float) -> list[DriftComparison]:
    """Compare each repository, and all together."""
    found = [compare(name, pair, quantities, budget) for name, pair in sorted(pairs.items())]
    return [*found, compare(TOGETHER, pool(pairs.values()), quantities, budget)] if len(pairs) > 1 else found


def compare(repository: str, pair: Pair, quantities: Sequence[str], budget: float) -> DriftComparison:
    """Compare the newest of the recent pull requests with the newest of the reference.

    Args:
        repository: the name that the result gets.
        pair: what to compare.
        quantities: the names of the samples' columns; one of them is SCORE.
        budget: the share of pull requests that may be flagged.
    """
    reference, recent = pair.reference.newest(MAX_REFERENCE), pair.recent.newest(WINDOW)
    found = DriftComparison(repository, "unknown", "", len(recent), len(reference))
    if reason := _find_missing(len(reference), len(recent)):
        return found._replace(reason=reason)
    unreadable = _find_unreadable(quantities, reference.values, recent.values)
    readable = np.array([name not in unreadable for name in quantities])
    for rows, where in ((reference, "reference"), (recent, "recent pull requests")):
        if _is_constant(rows.values[:, readable]):
            reason = f"no usable value of the {where} differs from the others"
            return found._replace(reason=reason, damaged=True)
    moved = [one for one in _find_movements(quantities, reference, recent) if one.quantity not in unreadable]
    moved += _find_flagged(recent.flagged, budget)
    moved.sort(key=lambda movement: movement.limit - movement.distance)
    if moved:
        listed = ", ".join(f"{one.quantity} ({one.distance:.2f}, usual up to {one.limit:.2f})" for one in moved[:3])
        return found._replace(verdict="drift", reason=listed, movements=tuple(moved))
    if unreadable:
        reason = f"no usable values of {', '.join(unreadable)}"
        return found._replace(reason=reason, damaged=True)
    return found._replace(verdict="stable", reason=f"{len(recent)} pull requests are as before")


def pool(pairs: Iterable[Pair]) -> Pair:
    """Put repositories together: the newest recent pull requests of all, and a reference in the same proportions.

    Repositories that the champion does not know well enough are left out.
    """
    known = [pair for pair in pairs if len(pair.reference) >= MIN_REFERENCE and len(pair.recent)]
    if not known:
        nothing = Sample(np.empty(0), np.empty((0, 0)), np.empty(0, bool))
        return Pair(nothing, nothing)
    owners = np.concatenate([np.full(len(pair.recent), place) for place, pair in enumerate(known)])
    opened = np.concatenate([pair.recent.opened for pair in known])
    counts = np.bincount(owners[np.argsort(opened, kind="stable")[-WINDOW:]], minlength=len(known))
    shares = [len(pair.reference) / count for pair, count in zip(known, counts, strict=True) if count]
    times = min(MAX_REFERENCE / counts.sum(), *shares)
    reference = concatenate(
        [pair.reference.newest(int(times * count)) for pair, count in zip(known, counts, strict=True)]
    )
    return Pair(reference, concatenate([pair.recent for pair in known]).newest(WINDOW))


def _find_missing(reference: int, recent: int) -> str:
    if reference < MIN_REFERENCE:
        return f"the champion's reference has {reference} pull requests; {MIN_REFERENCE} are needed"
    return f"{recent} recent pull requests; {MIN_RECENT} are needed" if recent < MIN_RECENT else ""


def _find_unreadable(quantities: Sequence[str], reference: Floats, recent: Floats) -> list[str]:
    """Return the quantities with values that are not numbers, and the score if it is always the same."""
    finite = np.asarray(np.isfinite(reference).all(axis=0) & np.isfinite(recent).all(axis=0))
    stuck: NDArray[np.bool_] = recent.min(axis=0) == recent.max(axis=0)
    return [
        name
        for name, usable, same in zip(quantities, finite, stuck, strict=True)
        if not usable or (name == SCORE and same)
    ]


def _is_constant(values: Floats) -> bool:
    return not values.size or bool((values == values[0]).all())


def _find_movements(names: Sequence[str], reference: Sample, recent: Sample) -> Iterator[Movement]:
    found = ks_2samp(reference.values, recent.values, method="asymp")
    limits = np.maximum(MIN_DISTANCE, MARGIN * reference.usual_distances)
    for name, distance, chance, limit in zip(names, found.statistic, found.pvalue, limits, strict=True):
        if distance > limit and chance < MAX_CHANCE:
            yield Movement(name, round(float(distance), 4), round(float(limit), 4))


def _find_flagged(flagged: NDArray[np.bool_], budget: float) -> list[Movement]:
    """Return the flagged share if it is far above the budget, and not by chance."""
    count, rows = int(flagged.sum()), len(flagged)
    limit = MIN_EXCESS * budget
    if count <= limit * rows or binomtest(count, rows, budget, alternative="greater").pvalue >= MAX_CHANCE:
        return []
    return [Movement(FLAGGED, round(count / rows, 4), round(limit, 4))]
