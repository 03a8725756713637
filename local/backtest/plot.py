"""The layout of a backtest's plots, in percent of their width and height, so that text keeps its size."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

from local.backtest.result import Backtest, BacktestEntry

LEFT, RIGHT, TOP, BOTTOM = 2.0, 98.0, 12.0, 90.0
MAX_STEPS = 5
MAX_BARS = 12
DATE_LABELS = 4
MAX_SPAN_WITHOUT_YEAR = timedelta(days=120)
MIN_LABEL_WIDTH = 18.0
"""A narrower band has no room for a label."""
LABELS = {"train": "trained on", "validation": "threshold set on", "test": "never seen"}


class Mark(NamedTuple):
    """A tick on an axis, with its number or date."""

    at: float
    label: str


class Dot(NamedTuple):
    """One pull request."""

    x: float
    y: float
    kind: str
    held_back: bool
    label: str


class SplitBand(NamedTuple):
    """The time range of one split."""

    x: float
    width: float
    split: str
    label: str


class ScorePlot(NamedTuple):
    """Scores over time."""

    dots: list[Dot]
    bands: list[SplitBand]
    threshold: float
    levels: list[Mark]
    dates: list[Mark]


class Bar(NamedTuple):
    """The number of scores between two limits."""

    x: float
    width: float
    y: float
    height: float
    pulls: int


class Histogram(NamedTuple):
    """The distribution of the scores."""

    bars: list[Bar]
    threshold: float
    limits: list[Mark]


def build_score_plot(backtest: Backtest) -> ScorePlot:
    """Place every pull request by time and score; those above the threshold come last, so that nothing covers them."""
    opened = backtest.opened
    y = _score_axis(max(*(one.score for one in opened), backtest.threshold))
    x = _time_axis(opened)
    dots = [
        Dot(x(one), y(one.score), one.level, one.is_held_back or bool(one.muted), f"#{one.number}: {one.score:.2f}")
        for one in sorted(opened, key=lambda one: one.is_flagged)
    ]
    step = _step_size(max(*(one.score for one in opened), backtest.threshold), MAX_STEPS)
    count = math.floor(max(one.score for one in opened) / step)
    levels = [Mark(y(number * step), f"{number * step:g}") for number in range(count + 1)]
    return ScorePlot(dots, _build_bands(opened, x), y(backtest.threshold), levels, _date_labels(opened))


def build_histogram(backtest: Backtest) -> Histogram:
    """Count the pull requests by score."""
    highest = max(*(one.score for one in backtest.opened), backtest.threshold)
    step = _step_size(highest, MAX_BARS)
    counts = Counter(math.floor(one.score / step) for one in backtest.opened)
    places, width = range(math.floor(highest / step) + 1), (RIGHT - LEFT) / (math.floor(highest / step) + 1)
    most = max(counts.values())
    heights = {place: max((BOTTOM - TOP) * counts[place] / most, 0.6) for place in places if counts[place]}
    bars = [
        Bar(LEFT + width * place, width * 0.9, BOTTOM - height, height, counts[place])
        for place, height in heights.items()
    ]
    limits = [Mark(LEFT + width * place, f"{place * step:g}") for place in places]
    return Histogram(bars, LEFT + width * backtest.threshold / step, limits)


def _score_axis(highest: float) -> Callable[[float], float]:
    return lambda score: BOTTOM - (BOTTOM - TOP) * score / (highest or 1)


def _time_axis(opened: Sequence[BacktestEntry]) -> Callable[[BacktestEntry], float]:
    first, span = opened[0].at, opened[-1].at - opened[0].at
    if not span:
        return lambda _: (LEFT + RIGHT) / 2
    return lambda one: LEFT + (RIGHT - LEFT) * ((one.at - first) / span)


def _build_bands(opened: Sequence[BacktestEntry], x: Callable[[BacktestEntry], float]) -> list[SplitBand]:
    """Return the splits from left to right; each begins where the previous one ends."""
    groups = [(split, list(some)) for split, some in groupby(opened, key=lambda one: one.split)]
    starts = [0.0, *(x(some[0]) for _, some in groups[1:]), 100.0]
    return [
        SplitBand(start, end - start, split, LABELS[split] if end - start >= MIN_LABEL_WIDTH else "")
        for (split, _), start, end in zip(groups, starts[:-1], starts[1:], strict=True)
    ]


def _date_labels(opened: Sequence[BacktestEntry]) -> list[Mark]:
    first, span = opened[0].at, opened[-1].at - opened[0].at
    form = "%d %b" if span < MAX_SPAN_WITHOUT_YEAR else "%b %Y"
    found: dict[str, float] = {}
    for place in range(DATE_LABELS):
        share = place / (DATE_LABELS - 1)
        found.setdefault(f"{first + span * share:{form}}", LEFT + (RIGHT - LEFT) * share)
    return [Mark(at, label) for label, at in found.items()]


def _step_size(highest: float, limit: int) -> float:
    """Return the smallest of 1, 2, 5, 10, … that needs no more than `limit` steps."""
    power = 10.0 ** math.floor(math.log10(max(highest, 1e-9) / limit))
    return next(power * factor for factor in (1, 2, 5, 10) if highest / (power * factor) <= limit)
