"""What the definitions of the features promise."""

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.scoring.features import CONTEXT, FEATURES, HISTORY_FEATURES, NAMES
from steps.scoring.history import History
from steps.scoring.rarity import RARITIES
from steps.scoring.vectors import PULL_SCHEMA, with_own
from tests.support.pulls import passed, pull, pulls

COUNTS = st.integers(0, 2**31 - 1)


def own(**changes: Any) -> dict[str, Any]:
    """The features that one pull request shows by itself."""
    return with_own([pull(**changes)])[0]


def test_every_feature_is_computed_in_one_place_and_no_other() -> None:
    """A feature is either an expression or part of the history."""
    row = own()
    assert set(NAMES) <= set(row) | set(HISTORY_FEATURES)
    assert not {*HISTORY_FEATURES} & {*row}


def test_names_are_unique_and_groups_are_of_the_network() -> None:
    """Rarities have no group: the network never sees them."""
    row = passed(pulls(3))[0]
    assert len(set(NAMES)) == len(NAMES)
    assert {feature.name for feature in FEATURES if not feature.group} == set(RARITIES)
    assert set(CONTEXT) <= set(row)


@pytest.mark.parametrize("name", ["author_association", "labels", "assignees", "state", "closed_at", "comments"])
def test_nothing_that_tells_how_it_ended_reaches_the_features(name: str) -> None:
    """What GitHub adds later is not among the columns that the pass reads."""
    assert name not in PULL_SCHEMA.names


@pytest.mark.parametrize("hours", [-1, 0, 1, 500])
def test_whether_a_pull_request_was_merged_changes_none_of_its_own_features(hours: int) -> None:
    """Its merge stands in the row for those that are opened later, and whatever its time, it does not look at it."""
    history = History()
    for one in with_own(pulls(40)):
        history.update(one)
    open_one: dict[str, Any] = own(number=41, author="dev-5", merged_at=None)
    merged = open_one | {"merged_at": open_one["created_at"] + timedelta(hours=hours)}
    assert history.features(merged) == history.features(open_one)
    assert {name: merged[name] for name in NAMES if name in merged} == {n: open_one[n] for n in NAMES if n in open_one}


def test_a_size_is_on_a_log_scale() -> None:
    """Ten added and two deleted lines are log(13)."""
    row = own(additions=10, deletions=2)
    assert row["log_lines"] == pytest.approx(math.log(13))
    assert row["net_direction"] == pytest.approx(8 / 22)


@pytest.mark.parametrize(
    ("title", "word", "web_editor"),
    [
        ("Fix typo in parser", "typo", 0),
        ("Update README.md", None, 1),
        ("Rewrite the scheduler", None, 0),
        ("  Update the README ", "README", 1),
        ("TYPO", "TYPO", 0),
        ("prototypography", None, 0),
        ("Add `Grammar` to Grammar.parse", None, 0),
        ("Minor fixes", "Minor fixes", 0),
        ("MINOR migrate the test", None, 0),
    ],
)
def test_titles_are_read_for_what_they_promise(title: str, word: str | None, web_editor: int) -> None:
    """Small words promise little; the form of the web editor's titles is known."""
    row = own(title=title)
    assert (row["named_word"], row["web_editor_title"]) == (word, web_editor)


@settings(deadline=None, max_examples=200)
@given(
    title=st.text(max_size=300),
    body=st.text(max_size=300),
    additions=COUNTS,
    deletions=COUNTS,
    files=COUNTS,
    commits=COUNTS,
)
def test_every_feature_of_any_valid_pull_request_is_a_finite_number(
    title: str, body: str, additions: int, deletions: int, files: int, commits: int
) -> None:
    """Emoji, right-to-left text, control characters and the largest counts included."""
    changes = {"additions": additions, "deletions": deletions, "changed_files": files, "commits": commits}
    row = own(title=title, body=body, **changes)
    features = row | History().features(row)
    assert all(math.isfinite(features[name]) for name in NAMES)
