"""A pull request's texts, hashed once for all that look at them, so that nothing that is stored holds a text."""

import re
import zlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import islice, pairwise
from math import log1p
from typing import Any

import numpy as np

from steps.common.normalisation import fold_name
from steps.scoring import paths, wording
from steps.scoring.online import Floats, HashedRegression, Indices

BODY_WORDS = 80
BODY_LINES = 60
MIN_LINE = 6
MAX_REFERENCES = 20
TITLE_PIECES = 30
BODY_PIECES = 120
MAX_PATH_PIECES = 40
MAX_COMMIT_STEPS = 12
MIN_WORD = 3
START_WORDS = 3
BOT_SUFFIX = "[bot]"
_PAIR = 1_000_003
_MASK = 0xFFFFFFFF
_NO_WORD = re.compile(r"\W+")

Pull = Mapping[str, Any]
"""A row of `vectors.PULL_SCHEMA` with the columns of `features.own`."""


def thing(text: str) -> int:
    """Return a stable number below 2^32 for a piece of text, so that no state holds texts."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def distinct(things: Iterable[int]) -> Indices:
    """Return each of them once, in order; for so few, a set is faster than NumPy."""
    return np.array(sorted(set(things)), np.int64)


def pair(first: Indices, second: Indices) -> Indices:
    """Return stable numbers for pairs of things, by broadcasting."""
    return (first * _PAIR + second) & _MASK


def pieces(text: str, most: int) -> Indices:
    """Return the distinct word pieces at the beginning of a text, hashed; `HashMap` has two."""
    found = {match[0].lower() for match in islice(paths.PIECE.finditer(text), most)}
    return distinct(thing(piece) for piece in found if len(piece) >= paths.MIN_PIECE)


class Files:
    """The changed files: their kinds, folders and the words in their paths."""

    def __init__(self, files: list[dict[str, Any]]) -> None:
        self.files = files
        self.kinds = [paths.classify(file["path"]) for file in files]
        self.folders = [thing(f"folder {paths.directory(file['path'])}") for file in files]
        self.folder_set = distinct(self.folders)
        self.names = distinct(thing(f"file {file['path']}") for file in files)
        self.words = frozenset().union(*(paths.split_pieces(file["path"]) for file in files))
        self.pieces = distinct(thing(piece) for piece in islice(sorted(self.words), MAX_PATH_PIECES))
        self.extensions = distinct(thing(f"extension {paths.extension(file['path'])}") for file in files)
        self.added = [place for place, file in enumerate(files) if file["status"] == "A"]
        self.sensitive = [file["path"] for file in files if paths.is_sensitive(file["path"])]

    @cached_property
    def ancestors(self) -> Indices:
        """All folders that the files lie in, at any depth."""
        parts = {tuple(file["path"].split("/")[:-1]) for file in self.files}
        return distinct({thing("/".join(part[:depth])) for part in parts for depth in range(1, len(part) + 1)})

    @property
    def binaries(self) -> list[str]:
        """The binary files among those added."""
        return [self.files[place]["path"] for place in self.added if self.kinds[place] == paths.BINARY]

    def lines_outside(self, kind: str) -> int:
        """Return the lines changed in files of other kinds."""
        pairs = zip(self.files, self.kinds, strict=True)
        lines: int = sum(file["additions"] + file["deletions"] for file, its in pairs if its != kind)
        return lines

    def net_deletions(self, kind: str) -> int:
        """Return how many more lines are deleted than added in files of a kind; 0 where more are added."""
        pairs = zip(self.files, self.kinds, strict=True)
        surplus: int = sum(file["deletions"] - file["additions"] for file, its in pairs if its == kind)
        return max(surplus, 0)


class Reading:
    """What the history looks at in one pull request."""

    def __init__(self, pull: Pull) -> None:
        self.pull = pull
        self.title = title = wording.fold(pull["title"].strip())
        self.body = wording.fold(pull["body"][: wording.BODY_CHARACTERS]).strip()
        self.said = list(islice(wording.iter_words(title.lower()), wording.TITLE_WORDS))
        self.words = frozenset(map(thing, self.said))
        self.title_words = distinct(self.words)
        self.title_pieces = pieces(title, TITLE_PIECES)
        self.body_pieces = pieces(self.body, BODY_PIECES)
        self.empty = not self.body
        self.author = thing(f"author {fold_name(pull['author'])}")
        self.bot = pull["author_type"] == "Bot" or pull["author"].endswith(BOT_SUFFIX)
        self.hour = pull["created_at"].hour
        self.files = Files(pull["files"]) if pull["files"] else None

    @cached_property
    def form(self) -> int:
        """The form of the title."""
        return thing(f"form {wording.title_form(self.title)}")

    @cached_property
    def title_starts(self) -> list[int]:
        """The pairs of words at the beginning of the title, the first pair first; a title of one word is a pair."""
        first = self.said[:START_WORDS]
        pairs = [" ".join(both) for both in pairwise(first)] or first or [""]
        return [thing(f"title_start {both}") for both in pairs]

    @cached_property
    def references(self) -> list[int]:
        """The numbers of issues and pull requests that title and body name."""
        found = islice(wording.REFERENCE.finditer(f"{self.title}\n{self.body}"), MAX_REFERENCES)
        return [int(match[1]) for match in found]

    @cached_property
    def links(self) -> frozenset[str]:
        """The repositories that title and body link to, in lower case."""
        found = islice(wording.PROJECT_LINK.finditer(f"{self.title}\n{self.body}"), MAX_REFERENCES)
        return frozenset(match[1].lower() for match in found)

    @cached_property
    def tracker(self) -> int | None:
        """The tracker whose issue the title begins with; None for none."""
        key = wording.TRACKER_KEY.match(self.title)
        return thing(f"tracker {key[1]}") if key else None

    @cached_property
    def lines(self) -> Indices:
        """The body's first lines, by their words alone."""
        lines = (_NO_WORD.sub(" ", line).strip() for line in self.body.lower().split("\n")[:BODY_LINES])
        return distinct(thing(f"line {line}") for line in lines if len(line) >= MIN_LINE)

    @cached_property
    def text_words(self) -> frozenset[str]:
        """The words at the beginning of title and body, those that identifiers are made of too, as `paths.singular`."""
        body = islice(wording.iter_words(self.body.lower()), BODY_WORDS)
        parts = islice(paths.PIECE.finditer(f"{self.title} {self.body}"), BODY_WORDS)
        return paths.singular({*self.said, *body, *(part[0].lower() for part in parts)})

    @cached_property
    def content_words(self) -> Indices:
        """The title's words that can name a part of the project."""
        return distinct(thing(word) for word in self.said if len(word) >= MIN_WORD and not word.isdigit())

    @cached_property
    def clues(self) -> Indices:
        """The clues that the size of a change is predicted from: title, author, commits and the kinds of its files."""
        pairs = [thing(f"{one} {next_one}") for one, next_one in pairwise(self.said[:3])]
        many = thing(f"commits {min(round(2 * self.pull['log_commits']), MAX_COMMIT_STEPS)}")
        kinds = [thing(f"kind {kind}") for kind in set(self.files.kinds if self.files else ("unknown",))]
        return _slots(*self.words, *pairs, many, self.author, self.form, *kinds)

    @cached_property
    def commit_clues(self) -> Indices:
        """The clues that the number of commits is predicted from: size, author and the form of the title."""
        lines, files = round(2 * self.pull["log_lines"]), round(2 * self.pull["log_files"])
        return _slots(thing(f"size {lines}"), thing(f"files {files}"), self.author, self.form)

    def sizes(self, usual_spread: float) -> Floats:
        """Return lines, files, deletions and folders, as logarithms; `usual_spread` stands for unknown folders."""
        spread = log1p(len(self.files.folder_set)) if self.files else usual_spread
        return np.array(
            [self.pull["log_lines"], self.pull["log_files"], self.pull["log_deletions"], spread], np.float32
        )

    @property
    def commits(self) -> Floats:
        """The number of commits, as a logarithm."""
        return np.array([self.pull["log_commits"]], np.float32)


def _slots(*things: int) -> Indices:
    return distinct(one % HashedRegression.SLOTS for one in things)
