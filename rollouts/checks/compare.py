"""The comparison of two versions that run side by side, which may be looked at as often as one likes.

It decides by the intervals of `sequential`: the probability that any look ever finds a version better or worse by
chance is at most `ERROR`. Agreement on the same pull requests is Cohen's kappa, with a bootstrap interval of 95 %, and
decides nothing.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy  # loads `stats`, which takes a second, when it is used

from rollouts.checks import sequential
from rollouts.checks.behaviour import Bools, Floats
from rollouts.checks.verdict import Outcome

ERROR = 0.05
"""The probability of a decision that is wrong, over all looks and all that is judged together."""
JUDGED = 3
"""Slow responses, removed alerts, and the flagged share of the new version; each has an equal part of the error."""
MIN_PULL_REQUESTS = 200
"""Pull requests needed of each version."""
MIN_SHARED = 50
MAX_FLAGGED_SHARE = 0.05
"""Five times the usual alert budget."""
SEED = 3
RESAMPLES = 999
RESAMPLES_AT_ONCE = 111
"""Bounds the memory: each is as long as the pull requests that both versions have scored."""


WORDS = {Outcome.PASSED: "better", Outcome.FAILED: "worse", Outcome.INCONCLUSIVE: "not enough data"}
"""The outcomes of a comparison, as a description of the new version."""


@dataclass(frozen=True)
class Proportion:
    """A count out of a total."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The proportion; NaN for an empty total."""
        return self.count / self.of if self.of else math.nan

    def interval(self) -> tuple[float, float]:
        """Return its interval; [0, 1] for an empty total."""
        if not self.of:
            return 0.0, 1.0
        low, high = sequential.bound_proportion(*self.as_floats(), ERROR / JUDGED)
        return float(low), float(high)

    def as_floats(self) -> tuple[Floats, Floats]:
        """Return the count and the total."""
        return np.asarray(self.count, float), np.asarray(self.of, float)


@dataclass(frozen=True)
class FirstScore:
    """The first score of a version for a pull request: later ones would change what has already been counted."""

    score: float
    flagged: bool


@dataclass(frozen=True)
class VersionData:
    """The data of a version: its models' digests, scores, slow responses and removed alerts."""

    name: str
    digests: frozenset[str] = frozenset()
    scored: Mapping[str, FirstScore] = field(default_factory=dict)
    slow: Proportion = Proportion(0, 0)
    removed: Proportion = Proportion(0, 0)

    @property
    def flagged_share(self) -> Proportion:
        """The flagged proportion of its pull requests."""
        return Proportion(sum(one.flagged for one in self.scored.values()), len(self.scored))


@dataclass(frozen=True)
class Difference:
    """The difference of a proportion, new minus old, with its interval [fractions]."""

    name: str
    old: Proportion
    new: Proportion
    low: float
    high: float

    @property
    def value(self) -> float:
        """The difference; NaN if one version has no data."""
        return self.new.value - self.old.value


@dataclass(frozen=True)
class Comparison:
    """The outcome, its explanation in lines, and the differences behind it."""

    outcome: Outcome
    lines: tuple[str, ...]
    differences: tuple[Difference, ...] = ()

    @property
    def word(self) -> str:
        """The outcome in a word: better, worse, or not enough data."""
        return WORDS[self.outcome]


def compare_proportions(name: str, old: Proportion, new: Proportion) -> Difference:
    """Return the difference of two proportions with its interval; [-1, 1] if one has no data."""
    if not (old.of and new.of):
        return Difference(name, old, new, -1.0, 1.0)
    low, high = sequential.bound_difference(old.as_floats(), new.as_floats(), ERROR / JUDGED)
    return Difference(name, old, new, float(low), float(high))


def compare_versions(old: VersionData, new: VersionData) -> Comparison:
    """Compare a new version with an old one.

    Fewer slow responses or fewer alerts removed by people are better; more are worse, and so is a version that flags
    too much overall. Differences within chance count as neither.
    """
    if old.name == new.name or old.digests & new.digests:
        return Comparison(Outcome.INCONCLUSIVE, ("a version can't be compared with itself",))
    differences = (
        compare_proportions("slower than 100 ms", old.slow, new.slow),
        compare_proportions("alerts removed by people within a day", old.removed, new.removed),
        compare_proportions("flagged", old.flagged_share, new.flagged_share),
    )
    lines = (*map(_format_difference, differences), *_describe_agreement(old, new))
    if few := [*_find_missing_data(old, new)]:
        return Comparison(Outcome.INCONCLUSIVE, (*lines, *few), differences)
    judged = differences[:2]
    too_many = new.flagged_share.interval()[0] > MAX_FLAGGED_SHARE
    if too_many or any(one.low > 0 for one in judged):
        return Comparison(Outcome.FAILED, lines, differences)
    if any(one.high < 0 for one in judged):
        return Comparison(Outcome.PASSED, lines, differences)
    return Comparison(Outcome.INCONCLUSIVE, (*lines, "no difference beyond chance"), differences)


def _find_missing_data(old: VersionData, new: VersionData) -> Iterator[str]:
    for version in (old, new):
        if len(version.scored) < MIN_PULL_REQUESTS:
            yield f"version {version.name} has {len(version.scored)} pull requests; {MIN_PULL_REQUESTS} are needed"
        if len(version.digests) > 1:
            yield f"version {version.name} covers {len(version.digests)} models"
        if not all(math.isfinite(one.score) for one in version.scored.values()):
            yield f"version {version.name} has scores that are not numbers"


def _format_difference(one: Difference) -> str:
    if not (one.old.of and one.new.of):
        return f"{one.name}: no data"
    shares = " against ".join(f"{share.value:.2%} of {share.of:,}" for share in (one.new, one.old))
    value, low, high = map(_format_points, (one.value, one.low, one.high))
    return f"{one.name}: {shares}, difference {value} ({low} to {high})"


def _format_points(share: float) -> str:
    return f"{100 * share:+.2f} points"


def _describe_agreement(old: VersionData, new: VersionData) -> Iterator[str]:
    """Yield the agreement on the pull requests that both versions have scored."""
    shared = sorted(old.scored.keys() & new.scored.keys())
    if len(shared) < MIN_SHARED:
        yield f"agreement: no data, {len(shared)} pull requests were scored by both"
        return
    flags = [np.array([version.scored[one].flagged for one in shared]) for version in (old, new)]
    scores = [np.array([version.scored[one].score for one in shared]) for version in (old, new)]
    ranks = _format_interval(rank_correlation, *scores)
    flag_agreement = _format_interval(kappa, *flags)
    yield f"agreement on {len(shared):,} pull requests: kappa {flag_agreement}, rank correlation {ranks}"


def kappa(one: Bools, other: Bools, axis: int = -1) -> Floats:
    """Return Cohen's kappa of two sets of flags along an axis; NaN if both are constant and equal."""
    flagged, others = np.mean(one, axis), np.mean(other, axis)
    both, chance = np.mean(one == other, axis), flagged * others + (1 - flagged) * (1 - others)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance < 1, (both - chance) / (1 - chance), math.nan))


def rank_correlation(one: Floats, other: Floats, axis: int = -1) -> Floats:
    """Return Spearman's rank correlation along an axis; NaN if one of the two is constant."""
    ranks = [scipy.stats.rankdata(side, axis=axis) for side in (one, other)]
    first, second = (side - np.mean(side, axis, keepdims=True) for side in ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sum(first * second, axis) / np.sqrt(np.sum(first**2, axis) * np.sum(second**2, axis)))


def _format_interval(statistic: Callable[..., Floats], one: Floats | Bools, other: Floats | Bools) -> str:
    value = float(statistic(one, other))
    if math.isnan(value):
        return "no data"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy.stats.DegenerateDataWarning)  # the interval is NaN then
        low, high = scipy.stats.bootstrap(
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
