"""What a repository remembers of its authors; a merge counts from the moment it happened, never earlier."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import log, log1p
from typing import Any

import numpy as np

from steps.common.accounts import account_created
from steps.scoring.online import Indices, RecentCounts
from steps.scoring.reading import Pull, Reading

RECENT_AUTHORS = 300
OWN_HOURS_WEIGHT = 20.0
SILENCE_WEIGHT = 10.0
"""Pull requests of everybody that the own ones without a description are weighed against."""
VETERAN = 20.0
"""Pull requests from which on an author's own folders and words are taken as known."""
LEARNED_FROM = 3
AUTHOR_GENERATION = 10_000
UNKNOWN_AGE = -1.0
ONE_MERGED = 0.4
"""How much of a stranger somebody with a single merged pull request still is."""
NEUTRAL_WORDS = 0.5
ROUTINE_MERGED = 100
ROUTINE_SHARE = 0.75
"""An account with so many merged pull requests, and so large a surplus of titles that begin alike, is a machine's."""
_MIX = 31
_MASK = 0xFFFFFFFF
_DAY_SECONDS = 86_400.0


@dataclass
class Author:
    """What is remembered of one author: counts, hours, habits, and merges that may lie ahead of the next pull request.

    Attributes:
        title_start: how most of the titles begin, hashed.
        surplus: how many more of the titles begin like that than do not, at least.
        most_commits: the largest number of commits in one pull request.
    """

    count: int = 0
    merged: int = 0
    silent: int = 0
    title_start: int = 0
    surplus: int = 0
    most_commits: int = 0
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    pending: list[datetime] = field(default_factory=list)

    def merged_before(self, moment: datetime) -> int:
        """Return how many of the author's earlier pull requests were merged by then."""
        return self.merged + bisect_right(self.pending, moment)

    def is_routine(self, title_starts: Sequence[int], moment: datetime) -> bool:
        """Return whether so many were merged by then, and nearly all began like this one, as only a machine's do."""
        alike = self.title_start in title_starts and self.surplus >= ROUTINE_SHARE * self.count
        return alike and self.merged_before(moment) >= ROUTINE_MERGED

    def learn_habits(self, title_start: int, commits: int) -> None:
        """Count one more title for or against the commonest start, by majority vote, and its commits."""
        if not self.surplus:
            self.title_start = title_start
        self.surplus += 1 if title_start == self.title_start else -1
        self.most_commits = max(self.most_commits, commits)

    def settle(self, moment: datetime) -> None:
        """Count the merges until then, and keep only those still ahead."""
        done = bisect_right(self.pending, moment)
        self.merged += done
        del self.pending[:done]


NOBODY = Author()
"""Whoever was never seen."""


class Authors:
    """The authors of one repository."""

    def __init__(self) -> None:
        self.each: dict[int, Author] = {}
        self.hours = [1.0] * 24
        self.silent: deque[bool] = deque(maxlen=RECENT_AUTHORS)
        self.recent: deque[int] = deque(maxlen=RECENT_AUTHORS)
        self.folders = RecentCounts(1 << 17, AUTHOR_GENERATION, most=255)
        self.words = RecentCounts(1 << 18, AUTHOR_GENERATION, most=255)

    def find(self, reading: Reading) -> Author:
        """Return what is remembered of a pull request's author."""
        return self.each.get(reading.author, NOBODY)

    def features(self, reading: Reading) -> dict[str, float]:
        """Return who the author is here, as of the moment of opening."""
        author, moment = self.find(reading), reading.pull["created_at"]
        merged = author.merged_before(moment)
        experience = min(1.0, author.count / VETERAN)
        return {
            "author_before": log1p(author.count),
            "author_merged": log1p(merged),
            "author_unmerged": log1p(max(author.count - merged, 0)),
            "stranger": 0.0 if reading.bot else 1.0 if merged == 0 else ONE_MERGED if merged == 1 else 0.0,
            "author_share": self.recent.count(reading.author) / max(len(self.recent), 20),
            "hour_surprise": self._hour_surprise(author, reading.hour),
            "account_days": account_days(reading.pull),
            "unusual_silence": 1.0 - self._usual_silence(author) if reading.empty else 0.0,
            "new_words": experience * self._unseen_words(author, reading),
            "new_ground": experience * self._unseen_folders(author, reading),
            "automated": float(reading.bot or author.is_routine(reading.title_starts, moment)),
            "most_commits": log1p(author.most_commits),
        }

    def update(self, reading: Reading) -> bool:
        """Remember a pull request, and return whether it is its author's first."""
        author = self.each.setdefault(reading.author, Author())
        moment, merged_at = reading.pull["created_at"], reading.pull["merged_at"]
        first = author.count == 0
        author.count += 1
        author.silent += reading.empty
        author.hours[reading.hour] += 1
        author.learn_habits(reading.title_starts[0], reading.pull["commits"])
        author.settle(moment)
        if merged_at is not None:
            author.pending.append(max(merged_at, moment))
            author.pending.sort()
        self.hours[reading.hour] += 1
        self.recent.append(reading.author)
        self.silent.append(reading.empty)
        self.words.update(_of(reading.author, reading.title_words))
        if reading.files:
            self.folders.update(_of(reading.author, reading.files.folder_set))
        return first

    def _hour_surprise(self, author: Author, hour: int) -> float:
        """-log of the hour's share; the author's hours shrunk to the repository's, an hour either side counts half."""
        own = author.hours[hour] + 0.5 * (author.hours[hour - 1] + author.hours[(hour + 1) % 24])
        here = self.hours[hour] + 0.5 * (self.hours[hour - 1] + self.hours[(hour + 1) % 24])
        prior = here / (2 * sum(self.hours))
        return -log((own / 2 + OWN_HOURS_WEIGHT * prior) / (author.count + OWN_HOURS_WEIGHT))

    def _usual_silence(self, author: Author) -> float:
        """Return the share of an author's pull requests without a description, shrunk to the latest ones of all."""
        here = sum(self.silent) / max(len(self.silent), 20)
        return (author.silent + SILENCE_WEIGHT * here) / (author.count + SILENCE_WEIGHT)

    def _unseen_words(self, author: Author, reading: Reading) -> float:
        if author.count < LEARNED_FROM or not len(reading.title_words):
            return NEUTRAL_WORDS
        return _unseen(self.words.count(_of(reading.author, reading.title_words)))

    def _unseen_folders(self, author: Author, reading: Reading) -> float:
        if author.count < LEARNED_FROM or not reading.files:
            return 0.0
        return _unseen(self.folders.count(_of(reading.author, reading.files.folder_set)))

    def to_arrays(self) -> dict[str, Any]:
        """Return counts and hours by author, and the pending merges, as seconds since 1970."""
        known = list(self.each.values())
        pending = [(key, moment.timestamp()) for key, author in self.each.items() for moment in author.pending]
        return {
            "authors": np.fromiter(self.each, np.int64, len(known)),
            "author_counts": np.array([[a.count, a.merged, a.silent, *a.hours] for a in known], np.int32),
            "author_habits": np.array([[a.title_start, a.surplus, a.most_commits] for a in known], np.int64),
            "pending": np.array(pending, np.float64).reshape(-1, 2),
            "recent_authors": np.array(self.recent, np.int64),
            "recent_silent": np.array(self.silent, np.int8),
        }

    def from_arrays(self, arrays: dict[str, Any]) -> None:
        """Take over what `to_arrays` returned."""
        counts = arrays["author_counts"].reshape(-1, 3 + 24).tolist()
        for key, (count, merged, silent, *hours) in zip(arrays["authors"].tolist(), counts, strict=True):
            self.each[key] = Author(count, merged, silent, hours=hours)
        for author, habits in zip(self.each.values(), arrays["author_habits"].reshape(-1, 3).tolist(), strict=True):
            author.title_start, author.surplus, author.most_commits = habits
        for key, seconds in arrays["pending"].tolist():
            self.each[int(key)].pending.append(datetime.fromtimestamp(seconds, UTC))
        self.recent.extend(arrays["recent_authors"].tolist())
        self.silent.extend(map(bool, arrays["recent_silent"]))


def account_days(pull: Pull) -> float:
    """Return about how old the author's account was, in days; UNKNOWN_AGE where its number isn't known."""
    number = pull["author_id"]
    if number is None:
        return UNKNOWN_AGE
    age = (pull["created_at"] - account_created(number)).total_seconds()
    return max(float(age) / _DAY_SECONDS, 0.0)


def _unseen(counts: Any) -> float:
    return float(len(counts) - np.count_nonzero(counts)) / len(counts)


def _of(author: int, things: Indices) -> Indices:
    return (things * _MIX + author) & _MASK
