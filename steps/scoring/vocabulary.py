"""The words of a repository against those of other projects, and how they go with the paths of changed files."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from steps.scoring import paths, wording
from steps.scoring.online import Indices, RecentCounts
from steps.scoring.reading import BODY_PIECES, TITLE_PIECES, Files, Reading, pair, pieces

SLOTS = 1 << 16
PAIR_SLOTS = 1 << 19
MAX_ODDS = 2.5
"""Nats that one word can weigh for or against."""
UNKNOWN_ODDS = 0.5
"""Nats of a word that was seen nowhere."""
ELSEWHERE_IN_TEXT = 0.5
"""Weight of a word's other appearances: in bodies and paths where titles are compared, and the other way round."""
MAX_OTHER = 10.0
LIFT_PRIOR = 0.3
LITERAL_LIFT = 3.0
"""Weight of a word of the title that stands in a path."""


@dataclass
class Elsewhere:
    """Words of other repositories' titles and bodies, and from how many texts they come."""

    titles: NDArray[np.int32] = field(default_factory=lambda: np.zeros(SLOTS, np.int32))
    bodies: NDArray[np.int32] = field(default_factory=lambda: np.zeros(SLOTS, np.int32))
    texts: int = 0

    def update(self, title: str, body: str) -> None:
        """Count the words of one text."""
        for counts, found in (
            (self.titles, pieces(wording.fold(title), TITLE_PIECES)),
            (self.bodies, pieces(wording.fold(body[: wording.BODY_CHARACTERS]), BODY_PIECES)),
        ):
            counts[np.unique(found % SLOTS)] += 1
        self.texts += 1

    def add(self, other: "Elsewhere") -> None:
        """Take in what another one has counted."""
        self.titles += other.titles
        self.bodies += other.bodies
        self.texts += other.texts


class Vocabulary:
    """The latest words of titles, bodies and paths, and which words of titles go with which words of paths."""

    def __init__(self, elsewhere: Iterable[tuple[str, str]] = ()) -> None:
        self.elsewhere = Elsewhere()
        for title, body in elsewhere:
            self.elsewhere.update(title, body)
        self.titles = RecentCounts(SLOTS)
        self.bodies = RecentCounts(SLOTS)
        self.paths = RecentCounts(SLOTS)
        self.words = RecentCounts(1 << 15)
        self.content = RecentCounts(1 << 15)
        self.path_words = RecentCounts(1 << 15)
        self.pairs = RecentCounts(PAIR_SLOTS, most=255)

    def features(self, reading: Reading) -> dict[str, float]:
        """Return how foreign the texts are here, and how well they fit the changed files."""
        title, body = reading.title_pieces, reading.body_pieces
        titles, bodies = self.elsewhere.titles, self.elsewhere.bodies
        title_odds, _ = self._odds(title, (self.titles, self.bodies), (titles, bodies))
        body_odds, body_unseen = self._odds(body, (self.bodies, self.titles), (bodies, titles))
        words = reading.title_words
        unseen = np.count_nonzero(self.words.count(words) == 0) / len(words) if len(words) else 0.0
        return {
            "title_elsewhere": title_odds,
            "body_elsewhere": body_odds,
            "title_unseen": float(unseen),
            "body_unseen": body_unseen,
            **self._fit(reading),
        }

    def update(self, reading: Reading) -> None:
        """Learn the words of one pull request."""
        self.titles.update(reading.title_pieces)
        self.bodies.update(reading.body_pieces)
        self.words.update(reading.title_words)
        if reading.files is None:
            return
        self.paths.update(reading.files.pieces)
        if len(reading.content_words) and len(reading.files.pieces):
            self.content.update(reading.content_words)
            self.path_words.update(reading.files.pieces)
            self.pairs.update(_pairs(reading.content_words, reading.files))

    def _odds(
        self,
        found: Indices,
        here: tuple[RecentCounts, RecentCounts],
        there: tuple[NDArray[np.int32], NDArray[np.int32]],
    ) -> tuple[float, float]:
        """Return the summed log odds of elsewhere against here, in nats by root of the words, and the unseen share."""
        if not len(found):
            return 0.0, 0.0
        own, other, path = here[0].count(found), here[1].count(found), self.paths.count(found)
        known = own + ELSEWHERE_IN_TEXT * (np.minimum(other, MAX_OTHER) + np.minimum(path, MAX_OTHER))
        places = found % SLOTS
        first, second = there[0][places], there[1][places]
        away = first + ELSEWHERE_IN_TEXT * np.minimum(second, MAX_OTHER)
        share_here = (known + 0.5) / (here[0].calls + 2.0)
        odds = np.log((away + 0.5) / (self.elsewhere.texts + 1.0)) - np.log(share_here)
        odds = np.maximum(np.minimum(odds, MAX_ODDS), -MAX_ODDS)
        odds = np.where(away == 0, np.where(known == 0, UNKNOWN_ODDS, np.minimum(odds, 0.0)), odds)
        unseen = np.count_nonzero(known == 0) / (len(found) + 1.0)
        return float(np.add.reduce(odds)) / (len(found) + 1.0) ** 0.5, unseen

    def _fit(self, reading: Reading) -> dict[str, float]:
        """Return how the title goes with the paths (nats of the best pairs), and how far texts name the paths."""
        files = reading.files
        if files is None:
            return {"words_fit_files": UNKNOWN_FIT, "names_its_files": UNKNOWN_NAMED}
        named = len(paths.singular(files.words) & reading.text_words) / (len(files.words) ** 0.5 + 1.0)
        words, parts = reading.content_words, files.pieces
        if not (len(words) and len(parts)):
            return {"words_fit_files": 0.0, "names_its_files": named}
        together = self.pairs.count(_pairs(words, files)).reshape(len(words), len(parts))
        expected = np.multiply.outer(self.content.count(words), self.path_words.count(parts))
        lift = np.log((together + LIFT_PRIOR) / (expected / (self.path_words.calls + 1.0) + LIFT_PRIOR))
        there = set(parts.tolist())
        literal = np.array([LITERAL_LIFT if word in there else 0.0 for word in words.tolist()])
        best = np.maximum(np.maximum(np.maximum.reduce(lift, axis=1), literal), 0.0)
        return {"words_fit_files": float(np.add.reduce(best)) / len(words), "names_its_files": named}


UNKNOWN_FIT = 1.0
UNKNOWN_NAMED = 0.45
"""What stands for the fit of files that aren't known: about the middle of those that are."""


def _pairs(words: Indices, files: Files) -> Indices:
    return pair(words[:, None], files.pieces[None, :]).ravel()
