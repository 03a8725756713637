"""The one definition of every column that a model reads or a reason names, and those that a pull request shows itself.

What needs the past is computed by `history.History`. Training and serving evaluate both by `vectors`, so they can't
drift apart.

Left out on purpose: what is added or changed after the opening (labels, assignees, comments, reviews, merge facts), and
`author_association`, which GitHub gives as of today and so reveals how a pull request ended; the history derives its
own, from merges that had happened by then.
"""

from collections.abc import Mapping
from itertools import islice
from math import log1p
from typing import Any, NamedTuple

from steps.scoring import paths, wording
from steps.scoring.rarity import ABOVE, RARITIES, WINDOW_ROWS


class Feature(NamedTuple):
    """A column that a model reads.

    The network predicts each `group` from the others, which it is hidden from together; it never sees the features
    without a group.
    """

    name: str
    group: str = ""


_GROUPS: dict[str, tuple[str, ...]] = {
    "size": (
        "log_lines",
        "log_files",
        "lines_per_file",
        "size_surprise",
        "files_surprise",
        "spread_surprise",
        "new_folders",
    ),
    "deletions": ("net_direction", "deletions_surprise"),
    "commits": ("log_commits", "commits_surprise"),
    "title": ("title_words", "web_editor_title", "promises_docs", "version_bump"),
    "body": ("body_length", "body_markup", "empty_body"),
    "author": ("hour_surprise", "author_merged", "author_share"),
    "words": ("title_elsewhere", "body_elsewhere", "title_unseen", "body_unseen"),
    "fit": ("words_fit_files", "names_its_files"),
    "files": ("new_files", "new_ground"),
}

FEATURES: tuple[Feature, ...] = (
    *(Feature(name, group) for group, names in _GROUPS.items() for name in names),
    *(Feature(name) for name in RARITIES),
)
"""All columns that models read, in their order: features for the network, and rarities."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)

OWN_FEATURES: tuple[str, ...] = (
    "log_lines",
    "log_files",
    "lines_per_file",
    "net_direction",
    "log_commits",
    "title_words",
    "web_editor_title",
    "promises_docs",
    "version_bump",
    "body_length",
    "body_markup",
    "empty_body",
)
"""What a pull request shows by itself."""

NAMED: tuple[str, ...] = ("named_word", "named_path", "named_binary")
"""The word of a promise, the sensitive path and the binary file that a reason can quote; null for none."""

CONTEXT: tuple[str, ...] = (
    "author_before",
    "author_unmerged",
    "account_days",
    "stranger",
    "promise_lines",
    "usual_lines",
    "usual_files",
    "near_duplicates",
    "newcomers_hour",
    "deleted_tests",
    "new_binaries",
    "docs_lines",
    "sensitive_count",
    "bot_impersonation",
    "silent_deletions",
    "unnamed_files",
    "scattered",
    "new_words",
    "unusual_silence",
    "familiar_share",
    "reference_beyond",
    "newest_number",
    WINDOW_ROWS,
    *ABOVE,
)
"""What reasons speak of beside the features: plain counts and ranks, as of the moment of opening."""

HISTORY_FEATURES: tuple[str, ...] = (
    *(name for name in NAMES if name not in OWN_FEATURES),
    *(name for name in CONTEXT if name not in {"docs_lines", "sensitive_count"}),
)
"""What `History.features` returns: those that mean nothing without any past."""

AUTHOR_FEATURES: tuple[str, ...] = (
    "author_merged",
    "author_share",
    "hour_surprise",
    "new_ground",
    "author_before",
    "author_unmerged",
    "stranger",
    "near_duplicates",
    "newcomers_hour",
    *(
        f"{name}_rarity"
        for name in (
            "insider_sweep",
            "near_duplicates",
            "newcomers_hour",
            "low_effort",
            "polished_text",
            "bot_impersonation",
            "sensitive_files",
            "unnamed_files",
        )
    ),
)
"""Those that mean nothing without the repository's own authors and its own last day."""

UNKNOWN_PAST: dict[str, float] = {
    "author_before": 1.0,
    "author_unmerged": 0.0,
    "stranger": 0.0,
    "unnamed_files": 0.0,
    "scattered": 0.0,
    "unusual_silence": 0.0,
    "familiar_share": 0.0,
    "reference_beyond": 0.0,
    "newest_number": 0.0,
    WINDOW_ROWS: 0.0,
}
"""The context where the repository's own past isn't known, so that no reason speaks of it."""

_SMOOTHING = 10.0


def own(pull: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row of `vectors.PULL_SCHEMA` shows by itself, with the marks that the history reads beside it."""
    additions, deletions = pull["additions"], pull["deletions"]
    title, body = wording.fold(pull["title"].strip()), pull["body"].strip()
    log_lines, log_files, log_commits = (
        log1p(additions + deletions),
        log1p(pull["changed_files"]),
        log1p(pull["commits"]),
    )
    small, docs = wording.find_small_promise(title), wording.DOCS_PROMISE.search(title)
    return {
        "log_lines": log_lines,
        "log_files": log_files,
        "log_commits": log_commits,
        "log_deletions": log1p(deletions),
        "lines_per_file": log_lines - log_files,
        "net_direction": (additions - deletions) / (additions + deletions + _SMOOTHING),
        "title_words": log1p(sum(1 for _ in islice(wording.iter_words(title), wording.TITLE_WORDS))),
        "web_editor_title": float(bool(wording.WEB_EDITOR_TITLE.match(title))),
        "promises_docs": float(bool(docs)),
        "version_bump": float(bool(wording.VERSION_BUMP.search(title))),
        "body_length": log1p(len(body)),
        "body_markup": log1p(len(wording.MARKUP.findall(wording.fold(body[: wording.BODY_CHARACTERS])))),
        "empty_body": float(not body),
        "named_word": small or (docs[0] if docs else None),
        **_own_files(pull["files"] or ()),
    }


def _own_files(files: Any) -> dict[str, Any]:
    """Return the path to quote, the lines outside texts, and the number of sensitive files."""
    sensitive = [file["path"] for file in files if paths.is_sensitive(file["path"])]
    binaries = [
        file["path"] for file in files if file["status"] == "A" and paths.classify(file["path"]) == paths.BINARY
    ]
    elsewhere = (file for file in files if paths.classify(file["path"]) != paths.DOCS)
    return {
        "named_path": next(iter(sensitive), None),
        "named_binary": next(iter(binaries), None),
        "sensitive_count": float(len(sensitive)),
        "docs_lines": float(sum(file["additions"] + file["deletions"] for file in elsewhere)),
    }
