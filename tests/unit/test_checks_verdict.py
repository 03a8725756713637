"""A check passes only where something was seen, nothing is wrong and nothing is unclear."""

import pytest

from rollouts.checks.verdict import CheckVerdict, Outcome


def test_outcomes_are_exit_codes() -> None:
    """Analyses and people read them."""
    assert [(one.name, one.value) for one in Outcome] == [("PASSED", 0), ("FAILED", 1), ("INCONCLUSIVE", 2)]


@pytest.mark.parametrize(
    ("wrong", "unclear", "seen", "outcome"),
    [
        ([], [], ["30 answers"], Outcome.PASSED),
        ([], [], [], Outcome.INCONCLUSIVE),
        ([], ["no digest"], ["30 answers"], Outcome.INCONCLUSIVE),
        ([], ["no digest"], [], Outcome.INCONCLUSIVE),
        (["HTTP 503"], [], ["30 answers"], Outcome.FAILED),
        (["HTTP 503"], ["no digest"], [], Outcome.FAILED),
        (["HTTP 503"], [], [], Outcome.FAILED),
    ],
)
def test_what_is_wrong_weighs_most_and_nothing_seen_never_passes(
    wrong: list[str], unclear: list[str], seen: list[str], outcome: Outcome
) -> None:
    """In every mixture."""
    assert CheckVerdict(wrong, unclear, seen).outcome is outcome


def test_lines_say_what_they_are_and_the_outcome_is_last() -> None:
    """As a log shows them."""
    assert CheckVerdict(["w"], ["u"], ["s"]).format("golden") == "         s\nUNCLEAR  u\nWRONG    w\ngolden: failed"
