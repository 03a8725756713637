"""The comparison with the active model passes for a model that judges alike, and for nothing else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rollouts.checks import behaviour
from rollouts.checks.behaviour import Side
from rollouts.checks.verdict import CheckVerdict, Outcome

REAL, INJECTED = 400, 80
IDS = [f"owner/name#{number}" for number in range(REAL + INJECTED)]
IS_INJECTED = np.arange(REAL + INJECTED) >= REAL
THRESHOLD = 6.0
DIGEST, ANOTHER = "c" * 64, "a" * 64
NAN = float("nan")


def side(address: str, digest: str, noise: float, **changes: Any) -> Side:
    """A service whose scores are those of all, up to some noise; most injected ones are over the threshold."""
    random = np.random.default_rng(5)
    scores = random.gamma(4, 0.6, REAL + INJECTED) + np.where(IS_INJECTED, 4, 0)
    scores = scores + noise * np.random.default_rng(len(address)).normal(size=len(scores))
    known = np.ones(len(scores), bool)
    return replace(Side(address, digest, scores, scores > THRESHOLD, known), **changes)


CANDIDATE, ACTIVE = side("http://preview", DIGEST, 0.1), side("http://active", ANOTHER, 0.0)
NONE, ALL = np.zeros(REAL + INJECTED, bool), np.ones(REAL + INJECTED, bool)
EIGHTH, THIRD = (np.arange(REAL + INJECTED) % each == 0 for each in (8, 3))


def verdict(candidate: Side = CANDIDATE, active: Side = ACTIVE, **changes: Any) -> CheckVerdict:
    """Of a good pair, but for what is changed."""
    given: dict[str, Any] = {"ids": IDS, "injected": IS_INJECTED, "expected": DIGEST} | changes
    return behaviour.judge(candidate, active, **given)


def scored(scores: Any) -> Side:
    """The candidate with other scores, flagged by the same threshold."""
    return replace(CANDIDATE, scores=np.asarray(scores, float), flagged=np.asarray(scores) > THRESHOLD)


def test_a_model_that_judges_alike_passes() -> None:
    """With the figures, and those on which the two disagree."""
    found = verdict()
    assert found.outcome is Outcome.PASSED
    assert any(line.startswith("rank correlation 0.9") for line in found.seen)
    assert any(line.startswith("  owner/name#") for line in found.seen)


def test_another_build_of_the_expected_model_passes() -> None:
    """Its scores are the same."""
    rebuilt = replace(ACTIVE, address="http://preview")
    assert verdict(rebuilt, expected=ANOTHER).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (replace(CANDIDATE, address="http://active/"), "would be compared with itself"),
        (replace(CANDIDATE, digest=ANOTHER), "both sides have the same model"),
        (replace(CANDIDATE, digest="b" * 64), "has the model bbbbbbbbbbbb instead of cccccccccccc"),
        (replace(CANDIDATE, failure="no answer"), "the candidate: no answer"),
        (replace(CANDIDATE, scores=CANDIDATE.scores[:-1]), "the number of results differs"),
        (replace(CANDIDATE, flagged=ALL), "flags 100.0% of the real"),
        (replace(CANDIDATE, flagged=CANDIDATE.flagged | EIGHTH), "of the real pull requests, limit"),
        (replace(CANDIDATE, flagged=NONE), "flags nothing"),
        (replace(CANDIDATE, flagged=CANDIDATE.flagged & THIRD), "of the injected pull requests"),
        (replace(CANDIDATE, known=NONE), "finds the repository's history for only 0.0%"),
        (scored(np.full(len(IDS), 3.0)), "the candidate's scores are all the same or not numbers"),
        (
            scored(np.where(np.arange(len(IDS)) == 7, NAN, CANDIDATE.scores)),
            "the candidate's scores are all the same or not numbers",
        ),
        (scored(np.full(len(IDS), NAN)), "the candidate's scores are all the same or not numbers"),
        (scored(np.where(IS_INJECTED, CANDIDATE.scores, 2.4)), "rank correlation"),
        (scored(-CANDIDATE.scores), "rank correlation -"),
        (scored(CANDIDATE.scores + 1.5), "population stability index"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_candidate_that_differs_fails_for_that(candidate: Side, reason: str) -> None:
    """Each change by itself."""
    found = verdict(candidate)
    assert found.outcome is Outcome.FAILED
    assert any(reason in line for line in found.wrong), found.wrong


def test_the_same_model_on_both_sides_is_no_comparison_unless_it_is_expected() -> None:
    """Though every figure is perfect."""
    twin = replace(ACTIVE, address="http://preview")
    for expected in (None, DIGEST, "unreleased"):
        assert verdict(twin, expected=expected).outcome is Outcome.FAILED


def test_another_build_that_scores_otherwise_fails() -> None:
    """Limits that do for another model are too wide for the same one."""
    rebuilt = replace(CANDIDATE, digest=ANOTHER)
    assert verdict().outcome is Outcome.PASSED
    assert verdict(rebuilt, expected=ANOTHER).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda: {"active": replace(ACTIVE, failure="HTTP 503")}, "nothing to compare with: HTTP 503"),
        (
            lambda: {"active": replace(ACTIVE, scores=np.zeros(len(IDS)))},
            "the active model's scores are all the same or not numbers",
        ),
        (
            lambda: {"active": replace(ACTIVE, scores=np.full(len(IDS), NAN))},
            "the active model's scores are all the same or not numbers",
        ),
        (lambda: {"active": replace(ACTIVE, known=NONE), "candidate": replace(CANDIDATE, known=NONE)}, "knows the"),
        (lambda: {"injected": np.arange(len(IDS)) >= len(IDS) - 39}, "39 injected pull requests are too few"),
        (lambda: {"injected": np.arange(len(IDS)) >= 199}, "199 real pull requests are too few"),
    ],
)
def test_missing_data_is_inconclusive(change: Callable[[], dict[str, Any]], reason: str) -> None:
    """Nor the candidate's fault."""
    found = verdict(**change())
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any(reason in line for line in found.unclear), found.unclear


def test_no_pull_requests_are_inconclusive() -> None:
    """Nothing disagrees."""
    nothing = np.array([])
    sides = [replace(one, scores=nothing, flagged=nothing > 0, known=nothing > 0) for one in (CANDIDATE, ACTIVE)]
    assert verdict(*sides, ids=[], injected=nothing > 0).outcome is Outcome.INCONCLUSIVE


def test_candidate_and_active_are_not_the_same_to_it() -> None:
    """A candidate that finds half of what the active model finds fails; swapped, it passes."""
    half = replace(CANDIDATE, flagged=CANDIDATE.flagged & THIRD)
    assert verdict(half).outcome is Outcome.FAILED
    assert verdict(replace(ACTIVE, digest=DIGEST), replace(half, digest=ANOTHER)).outcome is Outcome.PASSED


def test_the_stability_index_is_what_it_is_called() -> None:
    """Zero for the same, the same either way round, and known for two bins that swap their shares."""
    few, many = np.array([0.5] * 250 + [1.5] * 750), np.array([0.5] * 750 + [1.5] * 250)
    assert behaviour.psi(few, few) == 0
    assert behaviour.psi(few, many) == pytest.approx(behaviour.psi(many, few)) == pytest.approx(np.log(3), rel=0.02)
