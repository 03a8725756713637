"""Where everything stands in a backtest's plots, in percent of their width and height, so that text keeps its size."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

from local.backtest.result import Backtest, Opened

LEFT, RIGHT, TOP, BOTTOM = 2.0, 98.0, 12.0, 90.0
MOST_STEPS = 5
MOST_BARS = 12
DATES = 4
YEARLESS = timedelta(days=120)
SHORTEST_LABEL = 18.0
"""A part of the time that is narrower than this has no room for its name."""
LABELS = {"train": "trained on", "validation": "threshold set on", "test": "never seen"}


class Mark(NamedTuple):
    """A number or a date beside an axis."""

    at: float
    label: str


class Dot(NamedTuple):
    """One pull request."""

    x: float
    y: float
    kind: str
    held_back: bool
    label: str


class Part(NamedTuple):
    """A stretch of time that belongs to one split."""

    x: float
    width: float
    split: str
    label: str


class Scores(NamedTuple):
    """Scores over time."""

    dots: list[Dot]
    parts: list[Part]
    threshold: float
    levels: list[Mark]
    dates: list[Mark]


class Bar(NamedTuple):
    """How many scores fall between two limits."""

    x: float
    width: float
    y: float
    height: float
    pulls: int


class Histogram(NamedTuple):
    """How the scores are spread."""

    bars: list[Bar]
    threshold: float
    limits: list[Mark]


def scores(backtest: Backtest) -> Scores:
    """Every pull request by time and score; those above the threshold last, so that nothing covers them."""
    opened = backtest.opened
    y = _upward(max(*(one.score for one in opened), backtest.threshold))
    x = _through_time(opened)
    dots = [
        Dot(x(one), y(one.score), one.level, one.flagged and not one.told, f"#{one.number}: {one.score:.2f}")
        for one in sorted(opened, key=lambda one: one.flagged)
    ]
    step = _step(max(*(one.score for one in opened), backtest.threshold), MOST_STEPS)
    count = math.floor(max(one.score for one in opened) / step)
    levels = [Mark(y(number * step), f"{number * step:g}") for number in range(count + 1)]
    return Scores(dots, _parts(opened, x), y(backtest.threshold), levels, _dates(opened))


def histogram(backtest: Backtest) -> Histogram:
    """How many pull requests have which score."""
    highest = max(*(one.score for one in backtest.opened), backtest.threshold)
    step = _step(highest, MOST_BARS)
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


def _upward(highest: float) -> Callable[[float], float]:
    return lambda score: BOTTOM - (BOTTOM - TOP) * score / (highest or 1)


def _through_time(opened: Sequence[Opened]) -> Callable[[Opened], float]:
    first, span = opened[0].at, opened[-1].at - opened[0].at
    if not span:
        return lambda _: (LEFT + RIGHT) / 2
    return lambda one: LEFT + (RIGHT - LEFT) * ((one.at - first) / span)


def _parts(opened: Sequence[Opened], x: Callable[[Opened], float]) -> list[Part]:
    """The splits from left to right; where one ends the next begins."""
    groups = [(split, list(some)) for split, some in groupby(opened, key=lambda one: one.split)]
    starts = [0.0, *(x(some[0]) for _, some in groups[1:]), 100.0]
    return [
        Part(start, end - start, split, LABELS[split] if end - start >= SHORTEST_LABEL else "")
        for (split, _), start, end in zip(groups, starts[:-1], starts[1:], strict=True)
    ]


def _dates(opened: Sequence[Opened]) -> list[Mark]:
    first, span = opened[0].at, opened[-1].at - opened[0].at
    form = "%d %b" if span < YEARLESS else "%b %Y"
    found: dict[str, float] = {}
    for place in range(DATES):
        share = place / (DATES - 1)
        found.setdefault(f"{first + span * share:{form}}", LEFT + (RIGHT - LEFT) * share)
    return [Mark(at, label) for label, at in found.items()]


def _step(highest: float, most: int) -> float:
    """The smallest of 1, 2, 5, 10, … that needs no more than `most` steps."""
    power = 10.0 ** math.floor(math.log10(max(highest, 1e-9) / most))
    return next(power * factor for factor in (1, 2, 5, 10) if highest / (power * factor) <= most)
