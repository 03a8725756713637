"""A pull request's texts, hashed once for all that look at them, so that nothing that is stored holds a text."""

import re
import zlib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from steps.preprocess.online import Floats, HashedRegression, Indices

TITLE_WORDS = 24
BODY_WORDS = 60
BODY_CHARACTERS = 2_000
FORM_CHARACTERS = 12
MOST_COMMIT_STEPS = 12
WORD = re.compile(r"\w+")

Pull = Mapping[str, Any]
"""A row of `vectors.PULL_SCHEMA` with the columns of `features.expressions`."""


def thing(text: str) -> int:
    """A stable number below 2^32 for a piece of text, so that no state holds texts."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def _things(words: list[str]) -> Indices:
    return np.fromiter((thing(word) for word in words), np.int64, len(words))


def words(text: str) -> Indices:
    """The distinct words at the beginning of a text, hashed."""
    return np.unique(_things(WORD.findall(text[:BODY_CHARACTERS].lower())[:BODY_WORDS]))


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
        title = pull["title"].strip()
        said = WORD.findall(title.lower())[:TITLE_WORDS]
        form, author = f"form {_form(title)}", f"author {pull['author']}"
        self.title_words = len(said)
        self.title = np.unique(_things(said))
        self.words = frozenset(self.title.tolist())
        self.form = _things([form, f"opening {said[0] if said else ''}"])
        self.body = words(pull["body"])
        self.empty = not pull["body"].strip()
        self.author = thing(pull["author"])
        self.hour = pull["created_at"].hour
        commits = f"commits {min(round(2 * pull['log_commits']), MOST_COMMIT_STEPS)}"
        pairs = [f"{one} {next_one}" for one, next_one in pairwise(said[:3])]
        clues = np.concatenate([self.title, _things([*pairs, commits, author, form])])
        self.clues = np.unique(clues % HashedRegression.SLOTS)
        size = [f"size {round(2 * pull['log_lines'])}", f"files {round(2 * pull['log_files'])}"]
        self.commit_clues = np.unique(_things([*size, author]) % HashedRegression.SLOTS)
        self.sizes: Floats = np.array([pull["log_lines"], pull["log_files"], pull["log_deletions"]], np.float32)
        self.commits: Floats = np.array([pull["log_commits"]], np.float32)
