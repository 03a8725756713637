"""The result of a backtest: the flagged pull requests, the alerts under a weekly budget, and other alert budgets."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from local.backtest.outcomes import Outcome, OutcomeCounts, count_outcomes
from local.report.findings import ReportedPullRequest

SPLIT_MEANINGS = {
    "train": "the model was trained on",
    "validation": "the threshold was set on",
    "test": "the model has never seen",
}
"""The meaning of a dataset's splits, in chronological order."""
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
MAX_COUNT_WITH_DECIMALS = 10


class BacktestEntry(NamedTuple):
    """A pull request in the backtest."""

    number: int
    at: datetime
    score: float
    level: str
    split: str
    alerted: bool
    muted: str = ""
    """The field of `mute` in the repository's file that mutes it, if it is flagged."""

    @property
    def is_held_back(self) -> bool:
        """True if only the week's budget keeps it from raising an alert."""
        return self.is_flagged and not self.alerted and not self.muted

    @property
    def is_flagged(self) -> bool:
        """True if the score is above the threshold."""
        return self.level != "standard"


class FlaggedPullRequest(ReportedPullRequest):
    """A pull request that would have been flagged; `alerted` if it is not muted and the week's budget has room."""

    alerted: bool
    split: str
    muted: str = ""
    outcome: str = ""


class BacktestWeek(NamedTuple):
    """The pull requests of one ISO week."""

    start: date
    opened: int
    flagged: int
    alerted: int
    held_back: int
    highest: float


class BudgetOutcome(NamedTuple):
    """The same pull requests at another alert budget (the share of pull requests that may raise an alert)."""

    share: float
    threshold: float
    flagged: int
    alerted: int
    own: bool


@dataclass(frozen=True)
class Backtest:
    """The last pull requests of a repository in the order of opening, and those that would have been flagged."""

    repository: str
    version: str
    weekly: int
    requested: int
    threshold: float
    alert_budget: float
    opened: Sequence[BacktestEntry]
    flagged: Sequence[FlaggedPullRequest]
    budgets: Sequence[BudgetOutcome]
    outcomes: Mapping[int, Outcome] = field(default_factory=dict)
    """By number; pull requests that are open have none."""
    votes: Sequence[str] = ()
    """Sentences on what people said about the alerts of the repository."""

    @property
    def muted(self) -> dict[str, int]:
        """The number of flagged pull requests that the repository's file mutes, by the field of `mute`."""
        return dict(Counter(one.muted for one in self.opened if one.muted))

    @property
    def flagged_outcomes(self) -> OutcomeCounts:
        """The outcomes of the flagged pull requests."""
        return count_outcomes(self.outcomes.get(one.number) for one in self.opened if one.is_flagged)

    @property
    def other_outcomes(self) -> OutcomeCounts:
        """The outcomes of those that are not flagged."""
        return count_outcomes(self.outcomes.get(one.number) for one in self.opened if not one.is_flagged)

    @property
    def alert_count(self) -> int:
        """The number of alerts that would have been raised."""
        return sum(one.alerted for one in self.opened)

    @property
    def held_back(self) -> int:
        """The number of alerts that the weekly budget would have held back."""
        return sum(one.is_held_back for one in self.opened)

    @property
    def share(self) -> float:
        """The flagged share."""
        return len(self.flagged) / len(self.opened)

    @property
    def splits(self) -> dict[str, tuple[int, int]]:
        """The number of pull requests and of flagged ones by split, in chronological order."""
        all_of, flagged = (Counter(one.split for one in some) for some in (self.opened, self.flagged))
        return {split: (all_of[split], flagged[split]) for split in SPLIT_MEANINGS if all_of[split]}

    @property
    def weeks(self) -> list[BacktestWeek]:
        """The weeks with pull requests, newest first."""
        by_week = groupby(self.opened, key=lambda one: week_start(one.at))
        return [_summarise_week(first, list(some)) for first, some in by_week][::-1]

    def format_rate(self, count: int) -> str:
        """Format a count of these pull requests as a rate: `about 2.5 a week`, `about one in 8 weeks`."""
        if not count:
            return "none"
        weeks = max(self.opened[-1].at - self.opened[0].at, DAY) / WEEK
        if round(count / weeks, 1) >= 1:
            return f"about {count / weeks:.1f} a week"
        return f"about one in {weeks / count:.{1 if weeks < MAX_COUNT_WITH_DECIMALS * count else 0}f} weeks"


def apply_weekly_budget(times: Iterable[datetime], weekly: int) -> list[bool]:
    """Return for each flagged pull request, by time of opening, whether it raises an alert: the first of each week."""
    counts: Counter[date] = Counter()
    alerted = []
    for time in times:
        counts[week_start(time)] += 1
        alerted.append(counts[week_start(time)] <= weekly)
    return alerted


def week_start(time: datetime) -> date:
    """Return the first day of the ISO week of a time (UTC)."""
    return time.date() - timedelta(days=time.weekday())


def _summarise_week(first: date, some: list[BacktestEntry]) -> BacktestWeek:
    flagged, alerted, held_back = (
        sum(getattr(one, name) for one in some) for name in ("is_flagged", "alerted", "is_held_back")
    )
    return BacktestWeek(first, len(some), flagged, alerted, held_back, max(one.score for one in some))
