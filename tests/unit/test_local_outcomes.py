"""Precision against known outcomes: what counts as not wanted, with the number and an interval."""

from typing import Any

import pytest

from local.backtest import command, page
from local.backtest.outcomes import count_outcomes, decide_outcome, decide_outcomes
from local.shares import Share
from tests.unit.test_local_backtest import backtest, printed

ENDED = {"closed_at": "2026-01-02"}
MERGED = ENDED | {"merged_at": "2026-01-02"}


@pytest.mark.parametrize(
    ("document", "is_reverted", "expected"),
    [
        ({}, False, None),
        ({"closed_at": None, "merged_at": None}, True, None),
        (ENDED, False, "never merged"),
        (MERGED, False, "merged"),
        (MERGED, True, "reverted"),
        (ENDED | {"active_lock_reason": "spam"}, False, "spam"),
        ({"active_lock_reason": "spam"}, False, "spam"),
        (ENDED | {"active_lock_reason": "too heated"}, False, "never merged"),
        (MERGED | {"active_lock_reason": "resolved"}, False, "merged"),
        (ENDED, True, "never merged"),
    ],
)
def test_an_outcome_is_what_github_shows(document: dict[str, Any], is_reverted: bool, expected: str | None) -> None:
    """An open pull request has none."""
    assert decide_outcome(document, is_reverted=is_reverted) == expected


def test_only_a_revert_that_was_merged_reverts() -> None:
    """A claim that nobody merged changes nothing."""
    documents = {1: MERGED, 2: MERGED, 3: MERGED, 4: ENDED, 5: {}}
    found = decide_outcomes(documents, {1: [3], 2: [4, 5, 6]})
    assert found == {1: "reverted", 2: "merged", 3: "merged", 4: "never merged"}


def test_the_interval_holds_the_share_and_narrows_with_the_number() -> None:
    """Wilson's, at 90 %; with no cases it is everything."""
    assert [round(one, 3) for one in Share(5, 6).interval] == [0.498, 0.962]
    assert str(Share(14, 20)) == "70 % (52 to 84 %)"
    assert (Share(0, 0).interval, str(Share(0, 0))) == ((0.0, 1.0), "none")
    assert Share(0, 30).interval[0] == 0
    widths = [high - low for low, high in (Share(n, 4 * n).interval for n in (1, 5, 25, 125))]
    assert widths == sorted(widths, reverse=True)


def test_open_pull_requests_do_not_count() -> None:
    """Neither for nor against."""
    found = count_outcomes(["merged", None, "spam", "never merged", None])
    assert found.unwanted == Share(2, 3)
    assert found.words == "1 closed without being merged, 1 locked as spam"


def test_precision_is_stated_beside_that_of_the_others() -> None:
    """On the terminal and on the page, with numbers and intervals."""
    ended = {0: "merged", 1: "spam", 2: "merged", 3: "never merged"}
    found = backtest([1.0, 7.0, 9.5, 2.0, 1.0], outcomes=ended)
    assert (
        "Precision against known outcomes: not wanted in the end were 1 of the 2 flagged ones that have ended (1 "
        "locked as spam), 50 % (12 to 88 %), and 1 of the 2 others, 50 % (12 to 88 %); in brackets, intervals of 90 %."
    ) in command.summarise(found)
    assert "Against known outcomes" in page.render(found)
    assert "50 % (12 to 88 %)" in page.render(found)


def test_what_people_said_is_shown() -> None:
    """On the terminal and on the page."""
    votes = ["Of the last 6 alerts that people voted on, 5 were called useful: 83 % (50 to 96 %)."]
    found = backtest([1.0, 7.0], votes=votes)
    assert votes[0] in command.summarise(found)
    assert votes[0] in page.render(found)


def test_without_outcomes_nothing_is_claimed() -> None:
    """None of the flagged ones has ended."""
    found = backtest([1.0, 7.0], outcomes={0: "merged"})
    assert "outcomes" not in printed(found)
    assert "Against known outcomes" not in page.render(found)
