"""What a repository and its authors were like before a pull request: read with `features`, moved on with `update`."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import log, log1p
from typing import Any

import numpy as np

from steps.common.errors import DataError
from steps.scoring.last_day import LastDay, Recent
from steps.scoring.online import Counts, HashedRegression, Window, arrays_from_bytes, arrays_to_bytes, rarity, unseen
from steps.scoring.reading import Pull, Reading, words

VERSION = 1
RECENT_AUTHORS = 200
RECENT_SIZES = 400
OWN_HOURS_WEIGHT = 20.0

_LEARNERS = ("weights", "gradients", "mean")
_ARRAYS = (
    *((part, name) for part in ("sizes", "commits") for name in _LEARNERS),
    *((part, "seen") for part in ("titles", "bodies", "forms", "elsewhere")),
)
_SCALARS = (
    ("sizes", "count"),
    ("commits", "count"),
    ("titles", "total"),
    ("bodies", "total"),
    ("forms", "total"),
    ("elsewhere", "total"),
)
_PLAIN = ("seen", "empty_bodies", "little", "hours")

HISTORY_FEATURES: tuple[str, ...] = (
    "title_words",
    "size_surprise",
    "files_surprise",
    "deletions_surprise",
    "commits_surprise",
    "small_promise",
    "size_norm",
    "newcomer",
    "author_before",
    "author_share",
    "hour_surprise",
    "title_rarity",
    "title_unseen",
    "title_elsewhere",
    "template_rarity",
    "body_elsewhere",
    "empty_body_surprise",
    "near_duplicates",
    "newcomers_hour",
    "stranger_says_little",
    "insider_odd_sweep",
)

PAST_FEATURES: tuple[str, ...] = tuple(name for name in HISTORY_FEATURES if name != "title_words")
"""Those that mean nothing without any past."""

AUTHOR_FEATURES: tuple[str, ...] = (
    "newcomer",
    "author_before",
    "author_share",
    "hour_surprise",
    "near_duplicates",
    "newcomers_hour",
    "stranger_says_little",
    "insider_odd_sweep",
)
"""Those that mean nothing without the repository's own authors and its own last day."""


@dataclass
class Author:
    """What is remembered of an author."""

    count: int = 0
    empty_bodies: int = 0
    hours: list[int] = field(default_factory=lambda: [0] * 24)


NOBODY = Author()
"""Whoever was never seen."""


class History:
    """The past of one repository, as counts and hashes only."""

    def __init__(self, elsewhere: Iterable[str] = ()) -> None:
        """Start with no past.

        Args:
            elsewhere: texts of other repositories, to know which words belong there rather than here.
        """
        self.elsewhere = Counts(1 << 15)
        for text in elsewhere:
            self.elsewhere.update(words(text))
        self.seen = 0
        self.empty_bodies = 0
        self.little = [0.0, 0.0]
        self.sizes = HashedRegression(3)
        self.commits = HashedRegression(1)
        self.titles = Counts(1 << 15)
        self.bodies = Counts(1 << 16)
        self.forms = Counts(1 << 13)
        self.hours = [1.0] * 24
        self.recent_sizes = Window(RECENT_SIZES)
        self.recent_authors: deque[int] = deque(maxlen=RECENT_AUTHORS)
        self.last_day = LastDay()
        self.authors: dict[int, Author] = {}
        self._latest: Reading | None = None

    def features(self, pull: Pull) -> dict[str, float]:
        """The features of `HISTORY_FEATURES`, from the past alone."""
        reading = self._read(pull)
        author = self.authors.get(reading.author, NOBODY)
        lines, files, deletions = self.sizes.surprise(reading.clues, reading.sizes).tolist()
        newcomer = author.count == 0
        hour = self._hour_surprise(author, reading.hour)
        share = self.recent_authors.count(reading.author) / max(len(self.recent_authors), 20)
        silence = self._empty_body_surprise(author) if reading.empty else 0.0
        short = max(0.0, 1.0 - reading.title_words / 6)
        counts = self.titles.of(reading.title)
        title = self.titles.logs(counts)
        newcomers = self.last_day.newcomers(pull["created_at"])
        return {
            "title_words": log1p(reading.title_words),
            "size_surprise": lines,
            "files_surprise": files,
            "deletions_surprise": deletions,
            "commits_surprise": self.commits.surprise(reading.commit_clues, reading.commits).item(),
            "small_promise": self._small_promise(pull),
            "size_norm": self._size_norm(pull["log_lines"]),
            "newcomer": float(newcomer),
            "author_before": log1p(author.count),
            "author_share": share,
            "hour_surprise": hour,
            "title_rarity": rarity(title),
            "title_unseen": unseen(counts),
            "title_elsewhere": self.elsewhere.odds(reading.title, title),
            "template_rarity": rarity(self.forms.logs(self.forms.of(reading.form))),
            "body_elsewhere": self.elsewhere.odds(reading.body, self.bodies.logs(self.bodies.of(reading.body))),
            "empty_body_surprise": silence,
            "near_duplicates": log1p(self.last_day.duplicates(pull["created_at"], reading)),
            "newcomers_hour": log1p(len(newcomers | {reading.author}) if newcomer else len(newcomers)),
            "stranger_says_little": newcomer * (0.2 + reading.empty) * (short + pull["web_editor_title"]),
            "insider_odd_sweep": log1p(author.count) * max(hour - 2.5, 0.0) * pull["log_files"] * (0.3 + reading.empty),
        }

    def update(self, pull: Pull) -> None:
        """Take the pull request into the past."""
        reading = self._read(pull)
        author = self.authors.setdefault(reading.author, Author())
        newcomer = author.count == 0
        self.seen += 1
        author.count += 1
        author.hours[reading.hour] += 1
        author.empty_bodies += reading.empty
        self.empty_bodies += reading.empty
        self.hours[reading.hour] += 1
        if pull["promises_little"]:
            self.little[0] += 1
            self.little[1] += pull["log_lines"]
        self.sizes.update(reading.clues, reading.sizes)
        self.commits.update(reading.commit_clues, reading.commits)
        self.titles.update(reading.title)
        self.bodies.update(reading.body)
        self.forms.update(reading.form)
        self.recent_sizes.append(pull["log_lines"])
        self.recent_authors.append(reading.author)
        self.last_day.add(Recent(pull["created_at"], reading.author, reading.words, newcomer))

    def recent(self, pull: Pull) -> Recent:
        """What is remembered of the pull request for a day."""
        reading = self._read(pull)
        return Recent(pull["created_at"], reading.author, reading.words, reading.author not in self.authors)

    def join(self, recents: Iterable[Recent]) -> None:
        """Take openings since this past ended into its last day; those that it holds already are passed over.

        Args:
            recents: in the order of their opening.
        """
        known = self.authors.keys()
        self.last_day.join(
            recent._replace(newcomer=recent.newcomer and recent.author not in known) for recent in recents
        )

    @contextmanager
    def supposing(self, earlier: Sequence[Pull]) -> Iterator[None]:
        """For the time of the block, as if these had been opened in the last day; nothing else moves."""
        with self.last_day.supposing([self.recent(pull) for pull in earlier]):
            yield

    def state(self) -> dict[str, Any]:
        """Everything as values that BSON knows: counts and hashes, no texts."""
        authors = list(self.authors.values())
        arrays = {f"{part}.{name}": getattr(getattr(self, part), name) for part, name in _ARRAYS}
        arrays["authors"] = np.fromiter(self.authors, np.int64, len(authors))
        arrays["author_counts"] = np.array([[a.count, a.empty_bodies, *a.hours] for a in authors], np.int32)
        arrays["recent_sizes"] = np.array(self.recent_sizes.latest, np.float64)
        arrays["recent_authors"] = np.array(self.recent_authors, np.int64)
        return {
            "version": VERSION,
            "arrays": arrays_to_bytes(arrays),
            "scalars": {f"{part}.{name}": getattr(getattr(self, part), name) for part, name in _SCALARS},
            "plain": {name: getattr(self, name) for name in _PLAIN},
            "last_day": self.last_day.to_bson(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "History":
        """The history again.

        Raises:
            DataError: the state is of another version.
        """
        if state["version"] != VERSION:
            raise DataError(
                f"A history of version {state['version']} can't be read; this code reads version {VERSION}.",
                advice="Run preprocess again.",
            )
        history, arrays = cls(), arrays_from_bytes(state["arrays"])
        for part, name in _ARRAYS:
            setattr(getattr(history, part), name, arrays[f"{part}.{name}"])
        for part, name in _SCALARS:
            setattr(getattr(history, part), name, state["scalars"][f"{part}.{name}"])
        for name in _PLAIN:
            setattr(history, name, state["plain"][name])
        history.recent_sizes.extend(arrays["recent_sizes"].tolist())
        history.recent_authors.extend(arrays["recent_authors"].tolist())
        for key, (count, empty, *hours) in zip(
            arrays["authors"].tolist(), arrays["author_counts"].reshape(-1, 26).tolist(), strict=True
        ):
            history.authors[key] = Author(count, empty, hours)
        history.last_day = LastDay.from_bson(state["last_day"])
        return history

    def _read(self, pull: Pull) -> Reading:
        """The reading of a pull request, which is looked at again right after."""
        if self._latest is None or self._latest.pull is not pull:
            self._latest = Reading(pull)
        return self._latest

    def _hour_surprise(self, author: Author, hour: int) -> float:
        """-log of the hour's share; the author's hours shrunk to the repository's, an hour either side counts half."""
        own = author.hours[hour] + 0.5 * (author.hours[hour - 1] + author.hours[(hour + 1) % 24])
        here = self.hours[hour] + 0.5 * (self.hours[hour - 1] + self.hours[(hour + 1) % 24])
        prior = here / (2 * sum(self.hours))
        return -log((own / 2 + OWN_HOURS_WEIGHT * prior) / (author.count + OWN_HOURS_WEIGHT))

    def _empty_body_surprise(self, author: Author) -> float:
        here = (self.empty_bodies + 1) / (self.seen + 2)
        return -log((author.empty_bodies + 5 * here) / (author.count + 5))

    def _small_promise(self, pull: Pull) -> float:
        if not pull["promises_little"]:
            return 0.0
        count, total = self.little
        usual = (total + 2 * 10) / (count + 10)
        return max(0.0, float(pull["log_lines"]) - usual)

    def _size_norm(self, log_lines: float) -> float:
        if not self.recent_sizes.latest:
            return 0.0
        low, middle, high = (self.recent_sizes.quantile(share) for share in (0.25, 0.5, 0.75))
        return (log_lines - middle) / (high - low + 0.5)
