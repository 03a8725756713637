"""What a backtest has found, and what follows from it: who would have been told, how often, and at other budgets."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from local.report.findings import Named

SEEN = {
    "train": "the model was trained on",
    "validation": "the threshold was set on",
    "test": "the model has never seen",
}
"""What a dataset's splits mean to a reader, in the order of time."""
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
FEW = 10


class Opened(NamedTuple):
    """One pull request among the last ones."""

    number: int
    at: datetime
    score: float
    level: str
    split: str
    told: bool

    @property
    def flagged(self) -> bool:
        """Whether its score is above the threshold."""
        return self.level != "standard"


class Flagged(Named):
    """One that would have been flagged, and whether the week's budget left an alert for it."""

    told: bool
    split: str


class Week(NamedTuple):
    """The pull requests of one ISO week."""

    monday: date
    opened: int
    flagged: int
    told: int
    highest: float


class Budget(NamedTuple):
    """The same pull requests at another alert budget: the share that may raise an alert."""

    share: float
    threshold: float
    flagged: int
    told: int
    own: bool


@dataclass(frozen=True)
class Backtest:
    """What would have been flagged among the last pull requests of a repository, in the order of their opening."""

    repository: str
    version: str
    weekly: int
    asked: int
    threshold: float
    alert_budget: float
    opened: Sequence[Opened]
    flagged: Sequence[Flagged]
    budgets: Sequence[Budget]

    @property
    def told(self) -> int:
        """How many alerts would have gone out."""
        return sum(one.told for one in self.opened)

    @property
    def held_back(self) -> int:
        """How many the weekly budget would have kept back."""
        return len(self.flagged) - self.told

    @property
    def share(self) -> float:
        """The share that is flagged."""
        return len(self.flagged) / len(self.opened)

    @property
    def splits(self) -> dict[str, tuple[int, int]]:
        """How many of each split there are and how many of these are flagged, in the order of time."""
        all_of, flagged = (Counter(one.split for one in some) for some in (self.opened, self.flagged))
        return {split: (all_of[split], flagged[split]) for split in SEEN if all_of[split]}

    @property
    def weeks(self) -> list[Week]:
        """Every week in which any was opened, the newest first."""
        by_week = groupby(self.opened, key=lambda one: monday(one.at))
        return [_week(first, list(some)) for first, some in by_week][::-1]

    def how_often(self, count: int) -> str:
        """A count among these pull requests, as a rate: `about 2.5 a week`, `about one in 8 weeks`."""
        if not count:
            return "none"
        weeks = max(self.opened[-1].at - self.opened[0].at, DAY) / WEEK
        if round(count / weeks, 1) >= 1:
            return f"about {count / weeks:.1f} a week"
        return f"about one in {weeks / count:.{1 if weeks < FEW * count else 0}f} weeks"


def alerts(times: Iterable[datetime], weekly: int) -> list[bool]:
    """Which of the flagged ones, opened at these times in order, are told: the first few of each ISO week."""
    told: Counter[date] = Counter()
    answers = []
    for time in times:
        told[monday(time)] += 1
        answers.append(told[monday(time)] <= weekly)
    return answers


def monday(time: datetime) -> date:
    """The day on which the ISO week of a time (UTC) begins."""
    return time.date() - timedelta(days=time.weekday())


def _week(first: date, some: list[Opened]) -> Week:
    flagged, told = (sum(getattr(one, name) for one in some) for name in ("flagged", "told"))
    return Week(first, len(some), flagged, told, max(one.score for one in some))
