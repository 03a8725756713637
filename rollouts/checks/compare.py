"""Which of two versions is better for those who use them, by what they did side by side; intervals are of 95 %.

Shares are compared by Newcombe's interval for a difference of two, which is made of Wilson's for each; agreement on the
same pull requests is Cohen's kappa, its interval by bootstrap.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from scipy.stats import DegenerateDataWarning, binomtest, bootstrap, rankdata

from rollouts.checks.behaviour import Bools, Floats

LEAST = 200
"""Pull requests of each version; fewer are not enough data, whatever they say."""
LEAST_SHARED = 50
MOST_FLAGGED = 0.05
"""Five times the usual alert budget."""
SEED = 3
RESAMPLES = 999
RESAMPLES_AT_ONCE = 111
"""Bounds the memory: each is as long as the pull requests that both versions have scored."""


class Said(Enum):
    """Its values are exit codes."""

    BETTER = 0
    WORSE = 1
    NOT_ENOUGH_DATA = 2


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """NaN where there were none."""
        return self.count / self.of if self.of else math.nan

    def interval(self) -> tuple[float, float]:
        """Wilson's; everything where there were none."""
        if not self.of:
            return 0.0, 1.0
        found = binomtest(self.count, self.of).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


@dataclass(frozen=True)
class Scored:
    """What a version said last of a pull request."""

    score: float
    flagged: bool


@dataclass(frozen=True)
class Version:
    """What is known of one: its models' digests, what it said, its slow answers, its removed alerts."""

    name: str
    digests: frozenset[str] = frozenset()
    scored: Mapping[str, Scored] = field(default_factory=dict)
    slow: Share = Share(0, 0)
    removed: Share = Share(0, 0)

    @property
    def flagged(self) -> Share:
        """Of its pull requests."""
        return Share(sum(one.flagged for one in self.scored.values()), len(self.scored))


@dataclass(frozen=True)
class Difference:
    """Of a share, the new version's less the old one's [points of a hundredth], with its interval."""

    name: str
    old: Share
    new: Share
    low: float
    high: float

    @property
    def value(self) -> float:
        """NaN where one of them has no data."""
        return self.new.value - self.old.value


@dataclass(frozen=True)
class Comparison:
    """The word, the lines that lead to it, and the differences behind them."""

    said: Said
    lines: tuple[str, ...]
    differences: tuple[Difference, ...] = ()


def difference(name: str, old: Share, new: Share) -> Difference:
    """Newcombe's interval for the difference of two shares; everything where one has no data."""
    (old_low, old_high), (new_low, new_high) = old.interval(), new.interval()
    if not (old.of and new.of):
        return Difference(name, old, new, -1.0, 1.0)
    middle = new.value - old.value
    low = middle - math.hypot(new.value - new_low, old_high - old.value)
    high = middle + math.hypot(new_high - new.value, old.value - old_low)
    return Difference(name, old, new, low, high)


def comparison(old: Version, new: Version) -> Comparison:
    """Judge the new version by the old one.

    Fewer slow answers, or fewer alerts that people remove, are better; more are worse, and so is a version that flags
    too much altogether. What lies within chance is neither.
    """
    if old.name == new.name or old.digests & new.digests:
        return Comparison(Said.NOT_ENOUGH_DATA, ("a version can't be compared with itself",))
    differences = (
        difference("slower than 100 ms", old.slow, new.slow),
        difference("alerts removed by people", old.removed, new.removed),
        difference("flagged", old.flagged, new.flagged),
    )
    lines = (*map(_told, differences), *_agreement(old, new))
    if few := [*_too_few(old, new)]:
        return Comparison(Said.NOT_ENOUGH_DATA, (*lines, *few), differences)
    judged = differences[:2]
    too_many = new.flagged.interval()[0] > MOST_FLAGGED
    if too_many or any(one.low > 0 for one in judged):
        return Comparison(Said.WORSE, lines, differences)
    if any(one.high < 0 for one in judged):
        return Comparison(Said.BETTER, lines, differences)
    return Comparison(Said.NOT_ENOUGH_DATA, (*lines, "no difference beyond chance"), differences)


def _too_few(old: Version, new: Version) -> Iterator[str]:
    for version in (old, new):
        if len(version.scored) < LEAST:
            yield f"version {version.name} has {len(version.scored)} pull requests; {LEAST} are needed"
        if len(version.digests) > 1:
            yield f"version {version.name} stands for {len(version.digests)} models"


def _told(one: Difference) -> str:
    if not (one.old.of and one.new.of):
        return f"{one.name}: no data"
    shares = " against ".join(f"{share.value:.2%} of {share.of:,}" for share in (one.new, one.old))
    return f"{one.name}: {shares}, difference {_points(one.value)} ({_points(one.low)} to {_points(one.high)})"


def _points(share: float) -> str:
    return f"{100 * share:+.2f} points"


def _agreement(old: Version, new: Version) -> Iterator[str]:
    """On the pull requests that both have scored."""
    shared = sorted(old.scored.keys() & new.scored.keys())
    if len(shared) < LEAST_SHARED:
        yield f"agreement: no data, {len(shared)} pull requests were scored by both"
        return
    flags = [np.array([version.scored[one].flagged for one in shared]) for version in (old, new)]
    scores = [np.array([version.scored[one].score for one in shared]) for version in (old, new)]
    ranks = _interval(rank_correlation, *scores)
    yield f"agreement on {len(shared):,} pull requests: kappa {_interval(kappa, *flags)}, rank correlation {ranks}"


def kappa(one: Bools, other: Bools, axis: int = -1) -> Floats:
    """Return Cohen's kappa of two that judged the same, along an axis; NaN where neither tells anything apart."""
    flagged, others = np.mean(one, axis), np.mean(other, axis)
    both, chance = np.mean(one == other, axis), flagged * others + (1 - flagged) * (1 - others)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance < 1, (both - chance) / (1 - chance), math.nan))


def rank_correlation(one: Floats, other: Floats, axis: int = -1) -> Floats:
    """Return Spearman's rank correlation along an axis; NaN where one of them is constant."""
    ranks = [rankdata(side, axis=axis) for side in (one, other)]
    first, second = (side - np.mean(side, axis, keepdims=True) for side in ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sum(first * second, axis) / np.sqrt(np.sum(first**2, axis) * np.sum(second**2, axis)))


def _interval(statistic: Callable[..., Floats], one: Floats | Bools, other: Floats | Bools) -> str:
    value = float(statistic(one, other))
    if math.isnan(value):
        return "no data"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)  # the interval is NaN then, and said to be none
        low, high = bootstrap(
            (one, other),
            statistic,
            paired=True,
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=RESAMPLES_AT_ONCE,
            method="percentile",
            rng=SEED,
        ).confidence_interval
    return f"{value:.3f} ({'no interval' if math.isnan(low) else f'{low:.3f} to {high:.3f}'})"
