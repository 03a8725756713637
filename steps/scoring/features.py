"""The one definition of every feature: what each is, which way it is unusual, and how it reads in a sentence.

Features that a pull request shows by itself are Narwhals expressions over GitHub's own fields; those that need the
past are computed by `history.History`. Training and serving evaluate both by `vectors`, on Arrow tables, so they can't
drift apart.

Left out on purpose: what is added or changed after the opening (labels, assignees, comments, reviews, merge facts), and
`author_association`, which GitHub gives as of today and so tells how a pull request ended; the history derives its own.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

import narwhals as nw


class Direction(Enum):
    """Which end of a feature is unusual."""

    HIGH = 1
    LOW = -1
    BOTH = 0


class Feature(NamedTuple):
    """One feature.

    `group` is hidden together in training; `words` begin a reason; `scored` is false for what only helps to predict the
    others; `measure` names the feature, and its unit, whose usual values the reason is compared with.
    """

    name: str
    group: str
    direction: Direction
    words: str
    scored: bool = True
    measure: tuple[str, str] | None = None


_HIGH, _LOW, _BOTH = Direction.HIGH, Direction.LOW, Direction.BOTH
_LINES, _FILES = ("log_lines", "line"), ("log_files", "file")

FEATURES: tuple[Feature, ...] = (
    # What the change is made of.
    Feature("log_lines", "size", _HIGH, "changes {lines}", scored=False),
    Feature("log_files", "size", _HIGH, "changes {files}", scored=False),
    Feature("net_direction", "shape", _LOW, "deletes {deletions} and adds {additions}"),
    Feature("lines_per_file", "shape", _HIGH, "changes {lines} in {files}", scored=False),
    Feature("lines_per_commit", "commits", _LOW, "has {commits} for {lines}"),
    # What the title and the body look like.
    Feature("title_words", "text", _BOTH, "has a title of {title_words}"),
    Feature("body_length", "text", _BOTH, "has a description of {body_length}", scored=False),
    Feature("web_editor_title", "text", _HIGH, "has the title that the web editor suggests", scored=False),
    # Against what the past would have predicted.
    Feature(
        "size_surprise", "size", _HIGH, "changes {lines}, more than title, author and commits suggest", measure=_LINES
    ),
    Feature(
        "files_surprise", "size", _HIGH, "changes {files}, more than title, author and commits suggest", measure=_FILES
    ),
    Feature("deletions_surprise", "shape", _HIGH, "deletes {deletions}, more than title and author suggest"),
    Feature("commits_surprise", "commits", _HIGH, "has {commits}, more than its size suggests"),
    Feature("small_promise", "promise", _HIGH, "promises little in its title and changes {lines}"),
    Feature("size_norm", "size", _HIGH, "changes {lines}, more than the latest here", scored=False),
    # Who, and when.
    Feature("newcomer", "author", _HIGH, "is its author's first here", scored=False),
    Feature("author_before", "author", _LOW, "comes from an author with {before} here before"),
    Feature("author_share", "author", _LOW, "comes from an author seldom seen of late", scored=False),
    Feature("hour_surprise", "hour", _HIGH, "was opened at {hour}:00 UTC, an unlikely hour for its author"),
    # The words, against those of this repository.
    Feature("title_rarity", "words", _HIGH, "has a title in words that are rare here", scored=False),
    Feature("title_unseen", "words", _HIGH, "has a title in words never seen here", scored=False),
    Feature("title_elsewhere", "words", _HIGH, "has a title in words of other projects"),
    Feature("template_rarity", "words", _HIGH, "has a title of a form that is rare here"),
    Feature("body_elsewhere", "words", _HIGH, "has a description in words of other projects", scored=False),
    Feature("empty_body_surprise", "body", _HIGH, "has no description, where its like have one"),
    # What else happens at the time.
    Feature("near_duplicates", "burst", _HIGH, "is much like {duplicates} of the last day"),
    Feature("newcomers_hour", "burst", _HIGH, "comes in an hour with {newcomers}"),
    # Together odd, each alone not.
    Feature("stranger_says_little", "joint", _HIGH, "comes from a first-time author and says next to nothing"),
    Feature("insider_odd_sweep", "joint", _HIGH, "is a known author's wide change at an unlikely hour, with few words"),
)
"""All features, in the order in which models read them."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)

WEB_EDITOR_TITLE = r"^(Update|Create|Delete|Rename) \S+$"
SMALL_PROMISE = (
    r"(?i)\b(typos?|spelling|misspell\w*|grammar|minor|small|tiny|trivial|nits?|whitespace|wording|indentation)\b"
)


def _log1p(count: Any) -> Any:
    return (count + 1.0).log()


def own(column: Callable[[str], Any]) -> dict[str, Any]:
    """The features that a pull request shows by itself, and the marks that the history reads beside them.

    Args:
        column: gives the column of `vectors.PULL_SCHEMA` of a name; `narwhals.col` for expressions that any engine can
            evaluate, or a frame's own `get_column`, which is three times as fast on a single row.
    """
    additions, deletions = column("additions").cast(nw.Float64), column("deletions").cast(nw.Float64)
    lines = additions + deletions
    log_lines, log_files, log_commits = (_log1p(one) for one in (lines, column("changed_files"), column("commits")))
    title = column("title").str.strip_chars()
    return {
        "log_lines": log_lines,
        "log_files": log_files,
        "log_commits": log_commits,
        "log_deletions": _log1p(deletions),
        "net_direction": (additions - deletions) / (lines + 10.0),
        "lines_per_file": log_lines - log_files,
        "lines_per_commit": log_lines - log_commits,
        "body_length": _log1p(column("body").str.strip_chars().str.len_chars()),
        "web_editor_title": title.str.contains(WEB_EDITOR_TITLE).cast(nw.Float64),
        "promises_little": title.str.contains(SMALL_PROMISE).cast(nw.Float64),
    }
