"""The comparison with the active model passes for a model that judges alike, and for nothing else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rollouts.checks import behaviour
from rollouts.checks.behaviour import Side
from rollouts.checks.verdict import Outcome
from tests.support.sides import (
    ACTIVE,
    ALL,
    ANOTHER,
    CANDIDATE,
    DIGEST,
    EIGHTH,
    IDS,
    INJECTED,
    IS_INJECTED,
    NONE,
    REAL,
    THIRD,
    THRESHOLD,
    verdict,
)

NAN = float("nan")


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


def cut(one: Side, places: Any) -> Side:
    """The side's results of some pull requests."""
    return replace(one, scores=one.scores[places], flagged=one.flagged[places], known=one.known[places])


@pytest.mark.parametrize(
    ("real", "injected", "outcome"),
    [
        (200, 40, Outcome.PASSED),
        (199, 40, Outcome.INCONCLUSIVE),
        (200, 39, Outcome.INCONCLUSIVE),
    ],
)
def test_two_hundred_and_forty_are_enough(real: int, injected: int, outcome: Outcome) -> None:
    """One less is too little."""
    places = np.r_[:real, REAL : REAL + injected]
    found = verdict(
        cut(CANDIDATE, places),
        cut(ACTIVE, places),
        ids=[IDS[place] for place in places],
        injected=IS_INJECTED[places],
    )
    assert found.outcome is outcome


@pytest.mark.parametrize("name", ["candidate", "active"])
@pytest.mark.parametrize(("known", "passes"), [(384, True), (383, False)])
def test_four_in_five_must_be_known_to_each_side(name: str, known: int, passes: bool) -> None:
    """Exactly so many are enough."""
    few = np.arange(len(IDS)) < known
    sides = {"candidate": CANDIDATE, "active": ACTIVE}
    sides[name] = replace(sides[name], known=few)
    assert (verdict(**sides).outcome is Outcome.PASSED) is passes


def flag(real: int, injected: int) -> Any:
    """The flags of a side that flags so many of each."""
    return np.r_[np.arange(REAL) < real, np.arange(INJECTED) < injected]


@pytest.mark.parametrize(
    ("real", "injected", "by_active", "passes"),
    [(40, 40, 80, True), (41, 40, 80, False), (40, 39, 80, False), (1, 1, 2, True), (0, 0, 0, False)],
)
def test_flags_have_limits(real: int, injected: int, by_active: int, passes: bool) -> None:
    """A tenth of the real ones, half of what the active model finds, and not nothing."""
    candidate, active = replace(CANDIDATE, flagged=flag(real, injected)), replace(ACTIVE, flagged=flag(4, by_active))
    assert (verdict(candidate, active).outcome is Outcome.PASSED) is passes


@pytest.mark.parametrize(
    ("name", "figure", "passes"),
    [("correlation", 0.7, True), ("correlation", 0.6999, False), ("psi", 0.25, True), ("psi", 0.2501, False)],
)
def test_the_limits_themselves_pass(name: str, figure: float, passes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure that is exactly the limit can't be made, so it is put in the place of what is measured."""
    monkeypatch.setattr(behaviour, name, lambda *_: figure)
    assert (verdict().outcome is Outcome.PASSED) is passes


@pytest.mark.parametrize(("shift", "passes"), [(0.0, True), (0.05, True), (0.15, False), (0.3, False)])
def test_another_build_may_not_shift_scores(shift: float, passes: bool) -> None:
    """Though it ranks alike and flags the same: a hundredth of the index is too much."""
    rebuilt = replace(ACTIVE, address="http://preview", scores=ACTIVE.scores + shift)
    assert (verdict(rebuilt, expected=ANOTHER).outcome is Outcome.PASSED) is passes


def test_services_that_failed_before_they_said_who_they_are_are_no_self_comparison() -> None:
    """Nor do they have the wrong model: the failure is what is wrong."""
    candidate, active = (replace(one, digest="", failure="no answer") for one in (CANDIDATE, ACTIVE))
    assert verdict(candidate, active).wrong == ["the candidate: no answer"]
