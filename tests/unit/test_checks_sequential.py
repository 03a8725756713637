"""An interval may be looked at after each request: it still leaves out the truth as rarely as it says."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from rollouts.checks import sequential
from rollouts.checks.behaviour import Floats

ERROR = 0.05
RUNS = 200
LOOKS = 60
Counts = tuple[Floats, Floats]


def draw(share: float, per_look: int, seed: int) -> Counts:
    """Simulate outcomes: the counts and totals of each run at each look [runs, looks]."""
    random = np.random.default_rng(seed)
    counts = random.binomial(per_look, share, (RUNS, LOOKS)).cumsum(axis=1).astype(float)
    totals = np.full((RUNS, LOOKS), float(per_look)).cumsum(axis=1)
    return counts, totals


def numbers(count: int, of: int) -> Counts:
    """As counts and totals."""
    return np.asarray(count, float), np.asarray(of, float)


@pytest.mark.parametrize("share", [0.002, 0.01, 0.1, 0.3, 0.5, 0.97])
@pytest.mark.parametrize("per_look", [(4, 4), (30, 30), (50, 5)])
def test_looking_at_every_step_finds_no_more_false_differences_than_stated(
    share: float, per_look: tuple[int, int]
) -> None:
    """Both ways together, also where one version gets a tenth of the requests."""
    old, new = (draw(share, count, seed) for seed, count in enumerate(per_look, 1))
    low, high = sequential.bound_difference(old, new, ERROR)
    assert np.mean(((low > 0) | (high < 0)).any(axis=1)) <= ERROR


def test_the_same_simulation_catches_an_interval_for_a_single_look() -> None:
    """The usual one of 95 %, looked at as often, is wrong in far more runs than it says."""
    (old, total), (new, _) = draw(0.3, 30, 1), draw(0.3, 30, 2)
    pooled = (old + new) / (2 * total)
    error = np.sqrt(2 * pooled * (1 - pooled) / total)
    assert np.mean((np.abs(new - old) / total > stats.norm.ppf(1 - ERROR / 2) * error).any(axis=1)) > 3 * ERROR


@pytest.mark.parametrize(("old", "new"), [(0.01, 0.01), (0.3, 0.3), (0.3, 0.15), (0.02, 0.1), (0.0, 0.05)])
def test_the_true_difference_is_inside_at_every_look(old: float, new: float) -> None:
    """In as many runs as stated, whatever it is."""
    low, high = sequential.bound_difference(draw(old, 20, 1), draw(new, 20, 2), ERROR)
    assert np.mean(((low > new - old) | (high < new - old)).any(axis=1)) <= ERROR


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05, 0.3, 1.0])
def test_the_true_proportion_is_inside_at_every_look(share: float) -> None:
    """As the difference is."""
    low, high = sequential.bound_proportion(*draw(share, 20, 1), ERROR)
    assert np.mean(((low > share) | (high < share)).any(axis=1)) <= ERROR


@pytest.mark.parametrize(
    ("old", "new", "per_look"), [(0.3, 0.15, 10), (0.15, 0.3, 10), (0.01, 0.05, 25), (0.1, 0.01, 7)]
)
def test_a_real_difference_is_found_and_never_the_opposite(old: float, new: float, per_look: int) -> None:
    """In nearly all runs, by their end."""
    low, high = sequential.bound_difference(draw(old, per_look, 1), draw(new, per_look, 2), ERROR)
    found, opposite = (low > 0, high < 0) if new > old else (high < 0, low > 0)
    assert np.mean(found.any(axis=1)) > 0.95
    assert not opposite.any()


def evidence(old: Counts, new: Counts, difference: float) -> float:
    """The ratio by other means: beta-binomial mixtures, and a search for the likeliest proportions."""
    sides = [(int(count), int(of)) for count, of in (old, new)]
    mixture = math.prod(stats.betabinom.pmf(count, of, 0.5, 0.5) for count, of in sides)

    def likelihood(share: float) -> float:
        shares = (share, share + difference)
        return math.prod(float(stats.binom.pmf(*side, p)) for side, p in zip(sides, shares, strict=True))

    bounds = (max(0.0, -difference), min(1.0, 1 - difference))
    grid = np.linspace(*bounds, 201)
    middle = grid[np.argmax([likelihood(share) for share in grid])]
    near = (max(bounds[0], middle - 0.005), min(bounds[1], middle + 0.005))
    best = optimize.minimize_scalar(lambda share: -likelihood(share), bounds=near, options={"xatol": 1e-10}).fun
    return float(mixture / max(-best, *map(likelihood, bounds)))


@pytest.mark.parametrize(
    ("old", "new"),
    [((48, 80), (56, 70)), ((30, 100), (5, 100)), ((0, 40), (3, 500)), ((7, 9), (0, 60)), ((1, 3), (3, 3))],
)
def test_an_interval_ends_where_the_evidence_reaches_its_bound(old: tuple[int, int], new: tuple[int, int]) -> None:
    """For the difference of two proportions."""
    sides = numbers(*old), numbers(*new)
    low, high = map(float, sequential.bound_difference(*sides, ERROR))
    assert -1 <= low < new[0] / new[1] - old[0] / old[1] < high <= 1
    for end in (low, high):
        if abs(end) < 1:
            assert evidence(*sides, end) == pytest.approx(1 / ERROR, rel=1e-3)


@pytest.mark.parametrize(("none", "every"), [((0, 28), (56, 56)), ((0, 33), (44, 44)), ((0, 7), (12, 12))])
def test_rounding_in_the_closed_form_moves_no_end(none: tuple[int, int], every: tuple[int, int]) -> None:
    """Where one side has none and the other nothing else, the cosine that the root needs may come out above 1."""
    low, _ = map(float, sequential.bound_difference(numbers(*none), numbers(*every), ERROR))
    assert evidence(numbers(*none), numbers(*every), low) == pytest.approx(1 / ERROR, rel=1e-3)
    _, high = map(float, sequential.bound_difference(numbers(*every), numbers(*none), ERROR))
    assert evidence(numbers(*every), numbers(*none), high) == pytest.approx(1 / ERROR, rel=1e-3)


@pytest.mark.parametrize(("count", "of"), [(0, 50), (3, 50), (25, 50), (50, 50), (1, 1)])
def test_the_interval_of_one_proportion_ends_there_too(count: int, of: int) -> None:
    """None is narrower than its data allow."""
    for end in map(float, sequential.bound_proportion(*numbers(count, of), ERROR)):
        if 0 < end < 1:
            found = stats.betabinom.pmf(count, of, 0.5, 0.5) / stats.binom.pmf(count, of, end)
            assert found == pytest.approx(1 / ERROR, rel=1e-6)
    low, high = sequential.bound_proportion(*numbers(count, of), ERROR)
    assert low <= count / of <= high
    assert (low == 0, high == 1) == (count == 0, count == of)


def test_swapping_the_sides_turns_the_interval_round() -> None:
    """Nothing else about it changes."""
    old, new = numbers(48, 80), numbers(56, 70)
    low, high = sequential.bound_difference(old, new, ERROR)
    assert sequential.bound_difference(new, old, ERROR) == pytest.approx((-high, -low), abs=1e-9)


def test_a_smaller_error_takes_a_wider_interval() -> None:
    """As do fewer data."""
    old, new = numbers(48, 80), numbers(56, 70)
    widths = [
        float(np.subtract(*reversed(sequential.bound_difference(*sides, error))))
        for sides, error in (((old, new), 0.2), ((old, new), 0.05), ((numbers(24, 40), numbers(28, 35)), 0.05))
    ]
    assert widths == sorted(widths)
