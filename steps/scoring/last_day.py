"""What a repository saw opened in the last day, one by one."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple

from steps.scoring.reading import Reading, thing

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LIKENESS = 0.8
REVERT = thing("revert")
"""Word that distinguishes a reverting title from the one it quotes."""


class Recent(NamedTuple):
    """What is remembered of a pull request for a day."""

    opened: datetime
    author: int
    words: frozenset[int]
    newcomer: bool


class LastDay:
    """Pull requests of the last day, in the order of their opening."""

    def __init__(self, recents: Iterable[Recent] = ()) -> None:
        self._recents: deque[Recent] = deque()
        for recent in recents:
            self.add(recent)

    def __len__(self) -> int:
        return len(self._recents)

    def add(self, recent: Recent) -> None:
        """Take one in, and forget those of the day before."""
        self._recents.append(recent)
        while self._recents[0].opened < recent.opened - DAY:
            self._recents.popleft()

    def join(self, recents: Iterable[Recent]) -> None:
        """Take in those opened since; those from before the end are here already."""
        end = self._recents[-1].opened if self._recents else None
        for recent in recents:
            if end is None or recent.opened > end:
                self.add(recent._replace(opened=recent.opened.astimezone(UTC)))

    @contextmanager
    def supposing(self, recents: Sequence[Recent]) -> Iterator[None]:
        """For the time of the block, as if these had been opened too."""
        self._recents.extend(recents)
        try:
            yield
        finally:
            for _ in recents:
                self._recents.pop()

    def duplicates(self, opened: datetime, reading: Reading) -> int:
        """Return the number of those by others that have much the same words."""
        day, mine, author = opened - DAY, reading.words, reading.author
        found = 0
        for other in reversed(self._recents):
            if other.opened < day:
                break
            both = len(mine & other.words)
            if (REVERT in mine) != (REVERT in other.words):
                continue
            if both and both / (len(mine) + len(other.words) - both) >= LIKENESS and other.author != author:
                found += 1
        return found

    def newcomers(self, opened: datetime) -> set[int]:
        """Return the authors who were new in the last hour."""
        hour = opened - HOUR
        recents = takewhile(lambda other: other.opened >= hour, reversed(self._recents))
        return {other.author for other in recents if other.newcomer}

    def to_bson(self) -> list[list[Any]]:
        """Plain values."""
        return [[r.opened, r.author, sorted(r.words), r.newcomer] for r in self._recents]

    @classmethod
    def from_bson(cls, stored: Iterable[Sequence[Any]]) -> "LastDay":
        """The same again."""
        return cls(
            Recent(opened.astimezone(UTC), author, frozenset(words), newcomer)
            for opened, author, words, newcomer in stored
        )
