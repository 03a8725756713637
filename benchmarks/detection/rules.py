"""Rules that a maintainer could use instead, without any model."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.detection.judging import Candidate
from benchmarks.detection.metrics import Floats

EXEMPT_AFTER = 25
"""Merged pull requests after which an author counts as a member, whom anti-slop exempts."""

_WEB_EDITOR = re.compile(r"^(Update|Create|Add|Delete|Rename) \S+( \S+){0,2}$")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_CODE = re.compile(r"`[^`\n]+`")
_SPAM_NAME = re.compile(r"\d{5,}|(.)\1{4,}", re.IGNORECASE)
_SOURCE_BRANCHES = ("main", "master")
_GUARDED_PATHS = ("readme.md", "security.md", "license", "license.md", "code_of_conduct.md", "contributing.md")


def lines_added(one: Candidate) -> float:
    """Return the lines added."""
    return float(one.row["additions"])


def five_lines(one: Candidate) -> float:
    """Return the points that a rule of five lines gives."""
    title, body, lines = one.row["title"], one.row["body"].strip(), one.row["additions"] + one.row["deletions"]
    points = 2.0 * (lines > 1_000) + (lines > 10_000)
    points += one.row["changed_files"] > 50
    points += (one.merged_before == 0) * (1.0 + (not body))
    points += len(title.split()) <= 2 or _WEB_EDITOR.match(title) is not None
    return float(points + (one.row["commits"] > 20))


def anti_slop(one: Candidate) -> float:
    """Count the checks of the GitHub Action anti-slop, with its defaults, that fail among those that the data hold."""
    if one.merged_before >= EXEMPT_AFTER or one.row.get("author_type") == "Bot" or one.row["author"].endswith("[bot]"):
        return 0.0
    return float(sum(check(one) for check in ANTI_SLOP.values()))


def _paths(one: Candidate) -> list[str]:
    return [file["path"].lower() for file in one.row.get("files") or ()]


ANTI_SLOP: Mapping[str, Callable[[Candidate], bool]] = {
    "blocked-source-branches": lambda one: one.row.get("head_ref") in _SOURCE_BRANCHES,
    "require-description": lambda one: not one.row["body"].strip(),
    "max-description-length": lambda one: len(one.row["body"]) > 2_500,
    "max-emoji-count": lambda one: len(_EMOJI.findall(one.row["title"] + one.row["body"])) > 2,
    "max-code-references": lambda one: len(_CODE.findall(one.row["body"])) > 5,
    "max-changed-files": lambda one: one.row["changed_files"] > 50,
    "max-changed-lines": lambda one: one.row["additions"] + one.row["deletions"] > 10_000,
    "blocked-paths": lambda one: any(path in _GUARDED_PATHS for path in _paths(one)),
    "detect-spam-usernames": lambda one: _SPAM_NAME.search(one.row["author"]) is not None,
    "min-account-age": lambda one: one.is_young is True,
}
"""Its checks by the names of its settings; what is not known fails none."""

RULES: Mapping[str, Callable[[Candidate], float]] = {
    "lines_added": lines_added,
    "five_line_rule": five_lines,
    "anti_slop": anti_slop,
}


def score_by_rules(candidates: Sequence[Candidate]) -> dict[str, Floats]:
    """Return the scores [candidates] of each rule."""
    return {name: np.array([rule(one) for one in candidates]) for name, rule in RULES.items()}
