"""What a repository and its authors were like before a pull request: read with `features`, moved on with `update`."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import expm1, log1p
from typing import Any

import numpy as np

from steps.common.errors import DataError
from steps.scoring import joint, wording
from steps.scoring.authors import Authors
from steps.scoring.features import HISTORY_FEATURES, OWN_FEATURES
from steps.scoring.file_tracks import FileTracks
from steps.scoring.last_day import LastDay, Recent
from steps.scoring.online import HashedRegression, RecentCounts, Window, arrays_from_bytes, arrays_to_bytes
from steps.scoring.rarity import WINDOW, RarityWindows
from steps.scoring.reading import Pull, Reading
from steps.scoring.ties import Ties
from steps.scoring.vocabulary import Vocabulary

VERSION = 5
PROMISES = 200
USUAL_PROMISE = 2.0
"""Logarithm of the lines that a small promise changes where nothing is known."""
PROMISE_ROWS = 10
PROMISE_SHARE = 0.9
USUAL_SHARE = 0.99
USUAL_ROWS = 100
"""Fewer latest ones can't show what 99 % stay within."""

_LEARNERS = ("weights", "gradients", "mean")
COUNTS = (
    *(("vocabulary", name) for name in ("titles", "bodies", "paths", "words", "content", "path_words", "pairs")),
    *(("tracks", name) for name in ("folders", "extensions", "names", "ancestors", "pairs")),
    *(("ties", name) for name in ("forms", "trackers", "lines")),
)
REGRESSIONS = ("sizes", "commits")
MANY_DELETIONS = log1p(250)
"""Net deleted lines, as a logarithm, that any rewrite may have, in however quiet a repository."""
WINDOWS = ("recent_lines", "recent_files")
"""Parts of a history that mean something beyond its own repository, by their attributes."""
_ALL_COUNTS = (*COUNTS, *(("authors", name) for name in ("folders", "words")))


class History:
    """The past of one repository, as counts and hashes only."""

    def __init__(self, elsewhere: Iterable[tuple[str, str]] = ()) -> None:
        """Start with no past.

        Args:
            elsewhere: titles and bodies of other repositories, to know which words belong there rather than here.
        """
        self.seen = 0
        self.vocabulary = Vocabulary(elsewhere)
        self.authors = Authors()
        self.tracks = FileTracks()
        self.ties = Ties()
        self.sizes = HashedRegression(4)
        self.commits = HashedRegression(1)
        self.recent_lines = Window(WINDOW)
        self.recent_files = Window(WINDOW)
        self.promises: deque[float] = deque(maxlen=PROMISES)
        self.last_day = LastDay()
        self.rarities = RarityWindows()
        self._latest: Reading | None = None
        self._valued: tuple[Pull, dict[str, float]] | None = None

    def features(self, pull: Pull) -> dict[str, float]:
        """Return the features of `HISTORY_FEATURES`, from the past alone."""
        values = self.values(pull)
        values |= self.rarities.features(values)
        return {name: float(values[name]) for name in HISTORY_FEATURES}

    def update(self, pull: Pull) -> None:
        """Take the pull request into the past."""
        self.rarities.update(self.values(pull))
        reading = self._read(pull)
        first = self.authors.update(reading)
        self.seen += 1
        if wording.find_small_promise(reading.title):
            self.promises.append(pull["log_lines"])
        self.recent_lines.append(pull["log_lines"])
        self.recent_files.append(pull["log_files"])
        self.sizes.update(reading.clues, reading.sizes(self._usual_spread))
        self.commits.update(reading.commit_clues, reading.commits)
        self.vocabulary.update(reading)
        self.tracks.update(reading)
        self.ties.update(reading)
        self.last_day.add(Recent(pull["created_at"], reading.author, reading.words, first))
        self._valued = None

    def recent(self, pull: Pull) -> Recent:
        """Return what is remembered of the pull request for a day."""
        reading = self._read(pull)
        return Recent(pull["created_at"], reading.author, reading.words, reading.author not in self.authors.each)

    def join(self, recents: Iterable[Recent]) -> None:
        """Take openings since this past ended into its last day; those that it holds already are passed over.

        Args:
            recents: in the order of their opening.
        """
        known = self.authors.each.keys()
        self.last_day.join(
            recent._replace(newcomer=recent.newcomer and recent.author not in known) for recent in recents
        )
        self._valued = None

    @contextmanager
    def supposing(self, earlier: Sequence[Pull]) -> Iterator[None]:
        """For the time of the block, as if these had been opened in the last day; nothing else moves."""
        self._valued = None
        with self.last_day.supposing([self.recent(pull) for pull in earlier]):
            yield
        self._valued = None

    def state(self) -> dict[str, Any]:
        """Return everything as values that BSON knows: counts and hashes, no texts."""
        arrays = {f"{part}.{name}": getattr(getattr(self, part), name) for part in REGRESSIONS for name in _LEARNERS}
        for part, name in _ALL_COUNTS:
            counts: RecentCounts = getattr(getattr(self, part), name)
            arrays |= {f"{part}.{name}.newer": counts.newer, f"{part}.{name}.older": counts.older}
            arrays[f"{part}.{name}.calls"] = np.array([counts.newer_calls, counts.older_calls], np.int64)
        elsewhere = self.vocabulary.elsewhere
        arrays |= {"elsewhere.titles": elsewhere.titles, "elsewhere.bodies": elsewhere.bodies}
        arrays |= self.authors.to_arrays()
        arrays |= {"promises": np.array(self.promises, np.float64), "rarities": self.rarities.to_array()}
        arrays |= {name: np.array(getattr(self, name).latest, np.float64) for name in WINDOWS}
        return {
            "version": VERSION,
            "arrays": arrays_to_bytes(arrays),
            "plain": {
                "seen": self.seen,
                "elsewhere": elsewhere.texts,
                "newest": self.ties.newest,
                "hours": self.authors.hours,
                **{part: getattr(self, part).count for part in REGRESSIONS},
            },
            "last_day": self.last_day.to_bson(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "History":
        """Return the history again.

        Raises:
            DataError: the state is of another version.
        """
        if state["version"] != VERSION:
            raise DataError(
                f"A history of version {state['version']} can't be read; this code reads version {VERSION}.",
                advice="Run preprocess again.",
            )
        history, arrays, plain = cls(), arrays_from_bytes(state["arrays"]), state["plain"]
        for part in REGRESSIONS:
            learner: HashedRegression = getattr(history, part)
            learner.count = plain[part]
            for name in _LEARNERS:
                setattr(learner, name, arrays[f"{part}.{name}"])
        for part, name in _ALL_COUNTS:
            counts: RecentCounts = getattr(getattr(history, part), name)
            counts.newer, counts.older = arrays[f"{part}.{name}.newer"], arrays[f"{part}.{name}.older"]
            counts.newer_calls, counts.older_calls = arrays[f"{part}.{name}.calls"].tolist()
        elsewhere = history.vocabulary.elsewhere
        elsewhere.titles, elsewhere.bodies = arrays["elsewhere.titles"], arrays["elsewhere.bodies"]
        elsewhere.texts, history.seen, history.authors.hours = plain["elsewhere"], plain["seen"], plain["hours"]
        history.ties.newest = plain["newest"]
        history.authors.from_arrays(arrays)
        history.promises.extend(arrays["promises"].tolist())
        history.rarities.from_array(arrays["rarities"])
        for name in WINDOWS:
            getattr(history, name).extend(arrays[name].tolist())
        history.last_day = LastDay.from_bson(state["last_day"])
        return history

    @property
    def _usual_spread(self) -> float:
        return float(self.sizes.mean[3])

    def _read(self, pull: Pull) -> Reading:
        """Return the reading of a pull request, which is looked at again right after."""
        if self._latest is None or self._latest.pull is not pull:
            self._latest = Reading(pull)
        return self._latest

    def values(self, pull: Pull) -> dict[str, float]:
        """Return every feature but the rarities; they are kept for `update`, which comes right after mostly."""
        if self._valued is None or self._valued[0] is not pull:
            self._valued = pull, self._compute(pull)
        return dict(self._valued[1])

    def _compute(self, pull: Pull) -> dict[str, float]:
        reading = self._read(pull)
        lines, files, deletions, spread = self.sizes.surprise(reading.clues, reading.sizes(self._usual_spread)).tolist()
        values = {
            **{name: pull[name] for name in OWN_FEATURES},
            **self.authors.features(reading),
            **self.tracks.features(reading),
            **self.ties.features(reading),
            **self.vocabulary.features(reading),
            "size_surprise": lines,
            "files_surprise": files,
            "deletions_surprise": deletions,
            "spread_surprise": spread if reading.files else 0.0,
            "commits_surprise": self.commits.surprise(reading.commit_clues, reading.commits).item(),
            "net_deletions": log1p(max(pull["deletions"] - pull["additions"], 0)),
        }
        announced = bool(wording.REMOVAL.search(reading.title))
        values |= self._promises(reading, values)
        is_silent = not announced and values["net_deletions"] > MANY_DELETIONS
        values["silent_deletions"] = values["net_deletions"] if is_silent else 0.0
        values["deleted_tests"] = 0.0 if announced else values["deleted_tests"]
        values |= self._day(reading, values)
        values |= {"usual_lines": _usual(self.recent_lines), "usual_files": _usual(self.recent_files)}
        values["commits_for_lines"] = joint.commits_for_lines(values)
        values["foreign_text"] = joint.foreign_text(reading, values)
        for feature in (joint.low_effort, joint.polished_text, joint.bot_impersonation, joint.sensitive_files):
            values[feature.__name__] = feature(reading, values)
        values["insider_sweep"] = joint.insider_sweep(reading, values)
        return values

    def _promises(self, reading: Reading, own: dict[str, float]) -> dict[str, float]:
        """Return how much a change exceeds what its title promises, and what such titles usually change here."""
        latest = sorted(self.promises)
        usual = (sum(latest) + USUAL_PROMISE * PROMISE_ROWS) / (len(latest) + PROMISE_ROWS)
        promise = wording.find_small_promise(reading.title)
        excess = own["log_lines"] - usual - joint.promise_slack(promise, own) if promise else 0.0
        most = expm1(latest[int(PROMISE_SHARE * (len(latest) - 1))]) if len(latest) >= PROMISE_ROWS else 0.0
        return {
            "small_promise": max(0.0, excess),
            "docs_promise": joint.docs_promise(reading),
            "promise_lines": most,
        }

    def _day(self, reading: Reading, own: dict[str, float]) -> dict[str, float]:
        """Return what else happened of late; known authors share out a series of changes among themselves."""
        opened = reading.pull["created_at"]
        newcomers = self.last_day.newcomers(opened)
        known = own["author_merged"] >= joint.KNOWN_AUTHOR
        new = reading.author not in self.authors.each
        return {
            "near_duplicates": 0.0 if known else log1p(self.last_day.duplicates(opened, reading)),
            "newcomers_hour": log1p(len(newcomers | {reading.author}) if new else len(newcomers)),
        }


def _usual(window: Window) -> float:
    """Return the count that 99 % of the latest stay within; 0 where there are too few to say."""
    return expm1(window.quantile(USUAL_SHARE)) if len(window) >= USUAL_ROWS else 0.0
