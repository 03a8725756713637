"""A pull request's texts, hashed once for all that look at them, so that nothing that is stored holds a text."""

import re
import zlib
from collections.abc import Iterable, Mapping
from itertools import islice, pairwise
from typing import Any

import numpy as np

from steps.scoring.online import Floats, HashedRegression, Indices

TITLE_WORDS = 24
BODY_WORDS = 60
BODY_CHARACTERS = 2_000
FORM_CHARACTERS = 12
MOST_COMMIT_STEPS = 12
WORD = re.compile(r"\w+")

Pull = Mapping[str, Any]
"""A row of `vectors.PULL_SCHEMA` with the columns of `features.own`."""


def thing(text: str) -> int:
    """A stable number below 2^32 for a piece of text, so that no state holds texts."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def _distinct(things: Iterable[int]) -> Indices:
    """Each of them once, in order; for so few, a set is faster than NumPy."""
    return np.array(sorted(set(things)), np.int64)


def words(text: str) -> Indices:
    """The distinct words at the beginning of a text, hashed."""
    found = islice(WORD.finditer(text[:BODY_CHARACTERS].lower()), BODY_WORDS)
    return _distinct(map(thing, {match[0] for match in found}))


def _form(title: str) -> str:
    """A title's form: its opening word and mark, and its other words by kind only."""
    opening = re.match(r"\W*\w+\W?", title)
    rest = title[opening.end() :] if opening else title
    kinds = re.sub(r"[A-Z]\w*", "A", re.sub(r"\w*\d\w*", "9", rest))
    kinds = re.sub(r"[a-z_]\w*", "a", kinds)
    return (opening.group().lower() if opening else "") + re.sub(r"(a[ ]?)+", "a", kinds)[:FORM_CHARACTERS]


class Reading:
    """What the history looks at in one pull request."""

    def __init__(self, pull: Pull) -> None:
        self.pull = pull
        title = pull["title"].strip()
        said = WORD.findall(title.lower())[:TITLE_WORDS]
        form, author = thing(f"form {_form(title)}"), thing(f"author {pull['author']}")
        self.title_words = len(said)
        self.words = frozenset(map(thing, said))
        self.title = _distinct(self.words)
        self.form = np.array([form, thing(f"opening {said[0] if said else ''}")], np.int64)
        self.body = words(pull["body"])
        self.empty = not pull["body"].strip()
        self.author = thing(pull["author"])
        self.hour = pull["created_at"].hour
        lines, files, commits = pull["log_lines"], pull["log_files"], pull["log_commits"]
        pairs = [thing(f"{one} {next_one}") for one, next_one in pairwise(said[:3])]
        many = thing(f"commits {min(round(2 * commits), MOST_COMMIT_STEPS)}")
        self.clues = _slots(*self.words, *pairs, many, author, form)
        self.commit_clues = _slots(thing(f"size {round(2 * lines)}"), thing(f"files {round(2 * files)}"), author)
        self.sizes: Floats = np.array([lines, files, pull["log_deletions"]], np.float32)
        self.commits: Floats = np.array([commits], np.float32)


def _slots(*things: int) -> Indices:
    return _distinct(one % HashedRegression.SLOTS for one in things)
