"""Reasons state plain facts, and rarity only where a window supports it."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from steps.scoring import reasons
from steps.scoring.features import CONTEXT, NAMES
from steps.scoring.signals import SIGNALS

NAMED = [signal.name for signal in SIGNALS]


def row(**changes: Any) -> dict[str, Any]:
    """A complete row of an ordinary pull request."""
    plain = {
        "repository": "owner/name",
        "number": 7,
        "created_at": datetime(2026, 3, 4, 3, 30, tzinfo=UTC),
        "additions": 10,
        "deletions": 2,
        "changed_files": 1,
        "commits": 1,
        "named_word": None,
        "named_path": None,
        "named_binary": None,
        "account_days": -1.0,
        "author_before": 1.0,
        "window_rows": 1_000.0,
    }
    return dict.fromkeys((*NAMES, *CONTEXT), 0.0) | plain | changes


class Named:
    """A model as far as reasons look at it."""

    signals = SIGNALS


def said(signal: str, **changes: Any) -> str:
    """The reason where one signal alone is strong."""
    strengths = np.where(np.array(NAMED) == signal, 3.0, 0.0)
    (found,) = reasons.reasons(Named(), row(**changes), strengths)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("signal", "changes", "words"),
    [
        (
            "dump",
            {"additions": 41_212, "deletions": 0, "changed_files": 412, "usual_lines": 1_204.0},
            "adds 41,212 lines in 412 files; 99 % of the latest pull requests here change at most 1,204 lines",
        ),
        (
            "deletion",
            {"additions": 3, "deletions": 9_120, "net_deletions_above": 1.0},
            "deletes 9,120 lines and adds 3; about one in 500 of the latest here delete that much more than they add",
        ),
        (
            "deletion",
            {"additions": 3, "deletions": 9_120, "silent_deletions": 9.1},
            "deletes 9,120 lines and adds 3, under a title that speaks of no removal; none of the latest 1,000 here "
            "delete that much more than they add",
        ),
        (
            "dump",
            {"additions": 700, "deletions": 0, "changed_files": 24, "unnamed_files": np.log1p(22)},
            "adds 700 lines in 24 files, 22 of them in new folders that neither title nor description names",
        ),
        (
            "foreign_text",
            {"reference_beyond": 45_123.0, "newest_number": 5_012.0},
            "refers to #45123, though the newest pull request here is #5012",
        ),
        (
            "foreign_text",
            {"title_unseen": 0.5},
            "uses words in title and description that are new here and names none of its files; none of the latest "
            "1,000 here do so to that degree",
        ),
        (
            "foreign_text",
            {"names_its_files": 0.3, "foreign_text_above": 9.0},
            "has a text unlike others here; about one in 100 of the latest here do so to that degree",
        ),
        (
            "insider_sweep",
            {"changed_files": 40, "unusual_silence": 0.9, "hour_surprise": 5.0, "scattered": 2.0, "new_words": 0.9},
            "changes 40 files without a description, opened at 3:00 UTC, an unlikely hour for its author, in folders "
            "that seldom change together here, with words in its title that its author had not used here",
        ),
        ("insider_sweep", {"changed_files": 40, "hour_surprise": 2.0}, "adds 10 lines in 40 files"),
        (
            "small_promise",
            {"additions": 41_210, "named_word": "typo", "promise_lines": 14.0},
            "promises little in its title ('typo') and changes 41,212 lines; "
            "nine in ten such pull requests here change at most 14 lines",
        ),
        (
            "sensitive_files",
            {"named_path": ".github/workflows/release.yml", "sensitive_count": 1.0, "author_before": 0.0}
            | {"account_days": 3.2},
            "edits .github/workflows/release.yml; comes from a first-time author; account about 3 days old",
        ),
        (
            "commit_flood",
            {"commits": 64, "additions": 3, "deletions": 0},
            "has 64 commits for 3 changed lines; none of the latest 1,000 here have so many for so little",
        ),
        (
            "burst",
            {"near_duplicates": np.log1p(4)},
            "has nearly the same title as 4 pull requests of the last day by other authors",
        ),
        (
            "polished_text",
            {"body_length": np.log1p(3_371), "author_before": np.log1p(2), "stranger": 1.0},
            "describes a change of 12 lines in 3,371 characters; none of its author's 2 earlier pull requests here is "
            "merged",
        ),
        (
            "polished_text",
            {"body_length": np.log1p(2_000), "familiar_share": 0.75},
            "describes a change of 12 lines in 500 characters of its own, beside the template's",
        ),
        (
            "low_effort",
            {"author_before": np.log1p(1), "stranger": 1.0, "empty_body": 1.0},
            "its author's one earlier pull request here is not merged; it has no description; it changes 12 lines",
        ),
        (
            "low_effort",
            {"author_before": 0.0, "web_editor_title": 1.0},
            "comes from a first-time author; its title has the web editor's form; it changes 12 lines",
        ),
        ("low_effort", {"author_before": np.log1p(3), "stranger": 0.4}, "adds 10 lines in 1 file"),
    ],
)
def test_the_largest_plain_fact_comes_first(signal: str, changes: dict[str, Any], words: str) -> None:
    """With the number, what is usual, and the word or path itself."""
    assert said(signal, **changes) == words


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("changes", [{}, {"window_rows": 0.0}, {"author_before": 0.0, "stranger": 1.0}])
def test_every_signal_can_be_put_into_words(name: str, changes: dict[str, Any]) -> None:
    """None is left with a gap in it."""
    strengths = np.where(np.array(NAMED) == name, 3.0, 0.0)
    found = reasons.reasons(Named(), row(**changes), strengths)  # type: ignore[arg-type]
    assert all(text and not any(mark in text for mark in ("{", "nan", "None", "inf")) for text in found)


@pytest.mark.parametrize(
    ("above", "rows", "words"),
    [
        (0, 1_000, "; none of the latest 1,000 here go that far"),
        (3, 1_000, "; about one in 250 of the latest here go that far"),
        (60, 1_000, ""),
        (0, 99, ""),
    ],
)
def test_rarity_is_stated_only_where_the_window_supports_it(above: int, rows: int, words: str) -> None:
    """By the plain rank among the latest, never by a curve."""
    found = reasons.describe_rank(row(deleted_tests_above=float(above), window_rows=float(rows)), "deleted_tests")
    assert found == words


def test_weak_signals_are_no_reasons_and_there_are_three_at_most() -> None:
    """The strongest first."""
    strengths = np.full(len(NAMED), 2.0)
    found = reasons.reasons(Named(), row(), strengths)  # type: ignore[arg-type]
    assert len(found) == reasons.MAX_REASONS
    assert reasons.reasons(Named(), row(), strengths * 0.4) == []  # type: ignore[arg-type]


STRANGER_IN_CI: dict[str, Any] = {
    "named_path": ".github/workflows/ci.yml",
    "sensitive_count": 3.0,
    "author_before": 0.0,
    "body_length": np.log1p(900),
}
EDITS = "edits .github/workflows/ci.yml and 2 other CI or release files; comes from a first-time author"


@pytest.mark.parametrize(
    ("strongest_first", "expected"),
    [
        (("sensitive_files", "low_effort"), [f"{EDITS}; it changes 12 lines"]),
        (("low_effort", "sensitive_files"), [f"{EDITS}; it changes 12 lines"]),
        (
            ("polished_text", "sensitive_files"),
            [
                "describes a change of 12 lines in 900 characters; comes from a first-time author",
                "edits .github/workflows/ci.yml and 2 other CI or release files",
            ],
        ),
    ],
    ids=["more of the same", "nothing more", "one fact in common"],
)
def test_no_fact_is_stated_twice(strongest_first: tuple[str, ...], expected: list[str]) -> None:
    """What a later reason has in common with an earlier one is left out of it, or the rest of it joins that one."""
    strengths = np.array([3.0 - strongest_first.index(name) if name in strongest_first else 0.0 for name in NAMED])
    assert reasons.reasons(Named(), row(**STRANGER_IN_CI), strengths) == expected  # type: ignore[arg-type]
