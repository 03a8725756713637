"""What is sent to both sides: real pull requests as they are, and as many anomalies of each kind."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rollouts.checks import recent
from rollouts.checks.service import name
from rollouts.checks.verdict import Outcome, Verdict
from steps.common.pull_request import PullRequest
from steps.preprocess.anomalies import KINDS


@pytest.fixture(scope="module")
def real() -> list[dict[str, Any]]:
    """The samples."""
    return recent.pulls("samples")


def test_planted_ones_are_pull_requests_with_numbers_of_their_own(real: list[dict[str, Any]]) -> None:
    """Of repositories that the real ones are of, and the same each time."""
    planted = recent.planted(real)
    assert planted == recent.planted(real)
    assert len({name(pull) for pull in [*real, *planted]}) == len(real) + len(planted)
    assert all(PullRequest.model_validate(pull).number >= recent.PLANTED for pull in planted)
    assert all(PullRequest.model_validate(pull).number < recent.PLANTED for pull in real)
    assert len(planted) == recent.OF_A_KIND * len(KINDS)


def test_planting_leaves_the_real_ones_as_they_are(real: list[dict[str, Any]]) -> None:
    """They are sent too."""
    recent.planted(real)
    assert real == recent.pulls("samples")


def test_each_planted_one_differs_from_the_one_that_it_was_made_of(real: list[dict[str, Any]]) -> None:
    """In what its kind changes, and in nothing that no kind does."""
    sizes = ("additions", "deletions", "changed_files", "commits")
    known = Counter(tuple(pull[field] for field in (*sizes, "title", "created_at")) for pull in real)
    planted = recent.planted(real)
    changed = [
        pull
        for pull in planted
        if not known[tuple(pull[field] for field in (*sizes, "title", "created_at"))]
        or "stranger" in pull["user"]["login"]
    ]
    assert len(changed) == len(planted)
    assert {pull["base"]["ref"] for pull in planted} <= {pull["base"]["ref"] for pull in real}


def test_without_pull_requests_nothing_is_planted() -> None:
    """A verdict of that is inconclusive."""
    assert recent.planted([]) == []


@pytest.mark.parametrize("content", ["", "<html>"])
def test_a_file_that_has_none_is_refused(content: str, tmp_path: Path) -> None:
    """Nothing would disagree."""
    (tmp_path / "none.jsonl").write_text(content)
    with pytest.raises(ValueError, match=r"no pull requests|Expecting value"):
        recent.pulls(str(tmp_path / "none.jsonl"))


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Verdict(seen=["a"]), Outcome.PASSED),
        (Verdict(), Outcome.INCONCLUSIVE),
        (Verdict(seen=["a"], unclear=["b"]), Outcome.INCONCLUSIVE),
        (Verdict(seen=["a"], unclear=["b"], wrong=["c"]), Outcome.FAILED),
        (Verdict(wrong=["c"]), Outcome.FAILED),
    ],
)
def test_a_verdict_passes_only_with_something_seen_and_nothing_else(verdict: Verdict, outcome: Outcome) -> None:
    """Nothing at all is no yes."""
    assert verdict.outcome is outcome
    assert verdict.told("it").endswith(f"it: {outcome.name.lower()}")
