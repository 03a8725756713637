"""The pull requests sent to both sides: real ones unchanged, and equally many anomalies of each kind."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rollouts.checks import recent
from rollouts.checks.service import pull_request_id
from rollouts.checks.verdict import CheckVerdict, Outcome
from steps.common.pull_request import PullRequest
from steps.preprocess.anomalies import KINDS


@pytest.fixture(scope="module")
def real() -> list[dict[str, Any]]:
    """The samples."""
    return recent.load_pulls("samples")


def test_injected_anomalies_are_pull_requests_with_numbers_of_their_own(real: list[dict[str, Any]]) -> None:
    """Of repositories that the real ones are of, and the same each time."""
    injected = recent.inject_anomalies(real)
    assert injected == recent.inject_anomalies(real)
    assert len({pull_request_id(pull) for pull in [*real, *injected]}) == len(real) + len(injected)
    assert all(PullRequest.model_validate(pull).number >= recent.FIRST_INJECTED_NUMBER for pull in injected)
    assert all(PullRequest.model_validate(pull).number < recent.FIRST_INJECTED_NUMBER for pull in real)
    assert len(injected) == recent.PER_KIND * len(KINDS)


def test_injecting_anomalies_leaves_the_real_ones_as_they_are(real: list[dict[str, Any]]) -> None:
    """They are sent too."""
    recent.inject_anomalies(real)
    assert real == recent.load_pulls("samples")


def test_each_injected_anomaly_differs_from_its_source(real: list[dict[str, Any]]) -> None:
    """In what its kind changes, and in nothing that no kind does."""
    sizes = ("additions", "deletions", "changed_files", "commits")
    known = Counter(tuple(pull[field] for field in (*sizes, "title", "created_at")) for pull in real)
    injected = recent.inject_anomalies(real)
    changed = [
        pull
        for pull in injected
        if not known[tuple(pull[field] for field in (*sizes, "title", "created_at"))]
        or "stranger" in pull["user"]["login"]
    ]
    assert len(changed) == len(injected)
    assert {pull["base"]["ref"] for pull in injected} <= {pull["base"]["ref"] for pull in real}


def test_without_pull_requests_nothing_is_injected() -> None:
    """A verdict of that is inconclusive."""
    assert recent.inject_anomalies([]) == []


@pytest.mark.parametrize("content", ["", "<html>"])
def test_a_file_that_has_none_is_refused(content: str, tmp_path: Path) -> None:
    """Nothing would disagree."""
    (tmp_path / "none.jsonl").write_text(content)
    with pytest.raises(ValueError, match=r"no pull requests|Expecting value"):
        recent.load_pulls(str(tmp_path / "none.jsonl"))


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (CheckVerdict(seen=["a"]), Outcome.PASSED),
        (CheckVerdict(), Outcome.INCONCLUSIVE),
        (CheckVerdict(seen=["a"], unclear=["b"]), Outcome.INCONCLUSIVE),
        (CheckVerdict(seen=["a"], unclear=["b"], wrong=["c"]), Outcome.FAILED),
        (CheckVerdict(wrong=["c"]), Outcome.FAILED),
    ],
)
def test_a_verdict_passes_only_with_something_seen_and_nothing_else(verdict: CheckVerdict, outcome: Outcome) -> None:
    """Nothing at all is not a yes."""
    assert verdict.outcome is outcome
    assert verdict.format("it").endswith(f"it: {outcome.name.lower()}")
