"""A drift is found, what is as before is stable, and what can't be seen is unknown."""

from collections.abc import Callable

import numpy as np
import pytest

from steps.monitor.comparison import (
    FLAGGED,
    MAX_REFERENCE,
    MIN_RECENT,
    MIN_REFERENCE,
    SCORE,
    TOGETHER,
    WINDOW,
    Pair,
    Sample,
    compare,
    compare_all,
    pool,
)
from steps.scoring.arrays import Floats

QUANTITIES = ("size", "commits", SCORE)
BUDGET = 0.01


def sample(rows: int, seed: int, *, start: float = 0.0, shift: float = 0.0, flagged: int = 0) -> Sample:
    """Normal values; `shift` moves the first quantity."""
    values = np.random.default_rng(seed).normal(size=(rows, len(QUANTITIES)))
    values[:, 0] += shift
    return Sample(start + np.arange(rows, dtype=float), values, np.arange(rows) < flagged)


def changed(recent: Sample, column: int, value: float) -> Sample:
    """The same with one quantity replaced."""
    values = recent.values.copy()
    values[:, column] = value
    return Sample(recent.opened, values, recent.flagged)


BEFORE = sample(MAX_REFERENCE, 1)


def test_what_is_as_before_is_stable() -> None:
    """For a hundred draws: chance alone is not drift."""
    found = {compare("a/b", Pair(BEFORE, sample(WINDOW, seed)), QUANTITIES, BUDGET).verdict for seed in range(2, 102)}
    assert found == {"stable"}


def test_a_quantity_that_has_moved_is_named_with_its_distance() -> None:
    """The largest first, with what was still usual."""
    found = compare("a/b", Pair(BEFORE, sample(WINDOW, 2, shift=1.5)), QUANTITIES, BUDGET)
    assert (found.verdict, found.recent, found.reference) == ("drift", WINDOW, MAX_REFERENCE)
    (moved,) = found.movements
    assert moved.quantity == "size"
    assert moved.distance > moved.limit >= 0.25
    assert found.reason == f"size ({moved.distance:.2f}, usual up to {moved.limit:.2f})"


def test_only_the_newest_pull_requests_count() -> None:
    """A drift that is over is none, and old ones don't hide a new one."""
    over = Pair(BEFORE, concatenated(sample(WINDOW, 2, shift=3), sample(WINDOW, 3)))
    new = Pair(BEFORE, concatenated(sample(5 * WINDOW, 4), sample(WINDOW, 5, shift=3)))
    assert compare("a/b", over, QUANTITIES, BUDGET).verdict == "stable"
    assert compare("a/b", new, QUANTITIES, BUDGET).verdict == "drift"


def concatenated(first: Sample, second: Sample) -> Sample:
    """One behind the other."""
    return Sample(
        np.arange(len(first) + len(second), dtype=float),
        np.concatenate([first.values, second.values]),
        np.concatenate([first.flagged, second.flagged]),
    )


def test_what_moves_back_and_forth_in_the_reference_may_move_as_far_again() -> None:
    """Sizes that change from season to season are not drift each season."""
    seasons = concatenated(sample(500, 1), sample(500, 2, shift=1.5))
    found = compare("a/b", Pair(seasons, sample(WINDOW, 3, shift=1.5)), QUANTITIES, BUDGET)
    assert found.verdict == "stable"


def test_a_quantity_that_becomes_constant_has_drifted() -> None:
    """As the number of commits does where a repository begins to squash."""
    found = compare("a/b", Pair(BEFORE, changed(sample(WINDOW, 2), 1, 0.0)), QUANTITIES, BUDGET)
    assert [moved.quantity for moved in found.movements] == ["commits"]


@pytest.mark.parametrize(("flagged", "verdict"), [(0, "stable"), (4, "stable"), (20, "drift")])
def test_a_flagged_share_far_above_the_budget_is_drift(flagged: int, verdict: str) -> None:
    """Two in a hundred may be chance, ten are not; none at all is not."""
    found = compare("a/b", Pair(BEFORE, sample(WINDOW, 2, flagged=flagged)), QUANTITIES, BUDGET)
    assert found.verdict == verdict
    assert [moved.quantity for moved in found.movements] == ([FLAGGED] if verdict == "drift" else [])


NAN, CONSTANT = float("nan"), 1.0
BLIND: dict[str, tuple[Callable[[], Pair], str, bool]] = {
    "no pull request": (lambda: Pair(BEFORE, sample(0, 2)), "0 recent pull requests", False),
    "too few pull requests": (lambda: Pair(BEFORE, sample(MIN_RECENT - 1, 2, shift=9)), "99 recent", False),
    "no reference": (lambda: Pair(sample(0, 1), sample(WINDOW, 2)), "the champion's reference has 0", False),
    "too small a reference": (lambda: Pair(sample(MIN_REFERENCE - 1, 1), sample(WINDOW, 2, shift=9)), "has 149", False),
    "a NaN in one quantity": (lambda: Pair(BEFORE, changed(sample(WINDOW, 2), 0, NAN)), "no usable values of si", True),
    "an infinite score": (lambda: Pair(BEFORE, changed(sample(WINDOW, 2), 2, np.inf)), "no usable values of sc", True),
    "NaN in the reference": (
        lambda: Pair(changed(BEFORE, 0, NAN), sample(WINDOW, 2)),
        "no usable values of size",
        True,
    ),
    "the same score for all": (
        lambda: Pair(BEFORE, changed(sample(WINDOW, 2), 2, 0.1)),
        "no usable values of sc",
        True,
    ),
    "nothing but NaN": (lambda: Pair(BEFORE, filled(WINDOW, NAN)), "no usable value of the reference", True),
    "nothing but constants": (lambda: Pair(BEFORE, filled(WINDOW, CONSTANT)), "of the recent pull requests", True),
    "a constant reference": (lambda: Pair(filled(500, CONSTANT), sample(WINDOW, 2)), "of the reference differs", True),
}


def filled(rows: int, value: float) -> Sample:
    """One value everywhere."""
    return Sample(np.arange(rows, dtype=float), np.full((rows, len(QUANTITIES)), value), np.zeros(rows, bool))


@pytest.mark.parametrize("case", BLIND)
def test_what_sees_nothing_says_so(case: str) -> None:
    """And never that there is no drift."""
    pair, words, damaged = BLIND[case]
    found = compare("a/b", pair(), QUANTITIES, BUDGET)
    assert found.verdict == "unknown"
    assert words in found.reason
    assert found.damaged is damaged


def test_a_drift_is_found_beside_values_that_are_no_numbers() -> None:
    """One broken feature doesn't hide another one's drift."""
    recent = changed(sample(WINDOW, 2, shift=3), 1, NAN)
    found = compare("a/b", Pair(BEFORE, recent), QUANTITIES, BUDGET)
    assert (found.verdict, [moved.quantity for moved in found.movements]) == ("drift", ["size"])


def test_small_repositories_are_compared_together() -> None:
    """Forty pull requests of each tell nothing alone."""
    pairs = {f"a/{place}": Pair(sample(400, place), sample(40, 50 + place, shift=3)) for place in range(5)}
    *each, together = compare_all(pairs, QUANTITIES, BUDGET)
    assert {one.verdict for one in each} == {"unknown"}
    assert (together.repository, together.verdict, together.recent) == (TOGETHER, "drift", 200)


def test_a_repository_that_becomes_busier_is_no_drift_of_all() -> None:
    """The reference has the repositories in the proportions of what is recent."""
    large, small = sample(900, 1, shift=9), sample(900, 2)
    pairs = {"a/large": Pair(large, sample(180, 3, shift=9)), "a/small": Pair(small, sample(20, 4))}
    assert {one.verdict for one in compare_all(pairs, QUANTITIES, BUDGET)} == {"stable", "unknown"}
    reference: Floats = pool(pairs.values()).reference.values[:, 0]
    assert (reference > 5).mean() == pytest.approx(0.9, abs=0.01)


def test_repositories_that_the_champion_does_not_know_stay_out_of_the_whole() -> None:
    """They have no reference."""
    pairs = {"a/known": Pair(BEFORE, sample(150, 2)), "a/new": Pair(sample(0, 1), sample(190, 3, shift=9))}
    *_, together = compare_all(pairs, QUANTITIES, BUDGET)
    assert (together.verdict, together.recent) == ("stable", 150)
    assert pool([Pair(sample(0, 1), sample(10, 2))]).recent.opened.size == 0
