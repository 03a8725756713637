"""A version is called better or worse only by what chance does not give, and never by too little."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from rollouts.checks import compare, plot, sequential
from rollouts.checks.compare import Difference, FirstScore, Proportion, VersionData
from rollouts.checks.verdict import Outcome


def scored(count: int, flagged: float, seed: int = 1) -> dict[str, FirstScore]:
    """The scores of a version for a number of pull requests."""
    random = np.random.default_rng(seed)
    return {f"o/n#{one}": FirstScore(float(random.gamma(4)), bool(random.random() < flagged)) for one in range(count)}


OLD = VersionData("3", frozenset({"a"}), scored(600, 0.02), Proportion(40, 4_000), Proportion(30, 100))
NEW = VersionData("4", frozenset({"b"}), scored(600, 0.02, seed=2), Proportion(40, 4_000), Proportion(30, 100))


def compare_outcome(old: VersionData = OLD, **new: Any) -> Outcome:
    """Of a new version like the old one, but for what is changed."""
    return compare.compare_versions(old, replace(NEW, **new)).outcome


@pytest.mark.parametrize("better", [{"slow": Proportion(4, 4_000)}, {"removed": Proportion(5, 100)}])
def test_fewer_slow_answers_or_removed_alerts_are_better(better: dict[str, Any]) -> None:
    """Either will do where the other is level."""
    assert compare_outcome(**better) is Outcome.PASSED


@pytest.mark.parametrize(
    "worse",
    [
        {"slow": Proportion(400, 4_000)},
        {"removed": Proportion(70, 100)},
        {"scored": scored(600, 0.2)},
        {"scored": scored(600, 1.0)},
        {"slow": Proportion(4, 4_000), "removed": Proportion(70, 100)},
        {"slow": Proportion(4, 4_000), "scored": scored(600, 0.2)},
    ],
)
def test_one_thing_worse_is_worse(worse: dict[str, Any]) -> None:
    """However much better another is."""
    assert compare_outcome(**worse) is Outcome.FAILED


@pytest.mark.parametrize(
    "neither",
    [
        {},
        {"slow": Proportion(38, 4_000)},
        {"slow": Proportion(42, 4_000)},
        {"removed": Proportion(33, 100)},
        {"removed": Proportion(28, 100)},
        {"slow": Proportion(0, 0), "removed": Proportion(0, 0)},
        {"slow": Proportion(0, 20)},
        {"removed": Proportion(0, 3)},
        {"slow": Proportion(0, 4_000), "scored": scored(199, 0.02)},
        {"slow": Proportion(0, 4_000), "scored": {}},
        {"slow": Proportion(0, 4_000), "digests": frozenset({"b", "c"})},
        {"slow": Proportion(0, 4_000), "digests": frozenset({"a"})},
        {"slow": Proportion(0, 4_000), "name": "3"},
        {"slow": Proportion(0, 4_000), "scored": scored(600, 0.02) | {"o/n#1": FirstScore(math.nan, False)}},
        {"slow": Proportion(0, 4_000), "scored": scored(600, 0.02) | {"o/n#1": FirstScore(math.inf, False)}},
        {"scored": scored(600, 0.05)},
    ],
)
def test_chance_too_little_or_itself_is_neither(neither: dict[str, Any]) -> None:
    """A tie, no data, few, none, two models under one name, the same model, the same version, no numbers."""
    assert compare_outcome(**neither) is Outcome.INCONCLUSIVE


def test_two_hundred_pull_requests_of_each_are_enough() -> None:
    """The fewest that are."""
    old, new = (scored(200, 0.02, seed) for seed in (1, 2))
    assert compare_outcome(replace(OLD, scored=old), scored=new, slow=Proportion(4, 4_000)) is Outcome.PASSED


@pytest.mark.parametrize(("old", "new"), [(0.0, 0.045), (0.045, 0.0)])
def test_more_or_fewer_flags_within_the_bound_are_neither(old: float, new: float) -> None:
    """Though the difference is beyond chance: only people know whether the flags are right."""
    found = compare.compare_versions(replace(OLD, scored=scored(600, old)), replace(NEW, scored=scored(600, new)))
    flagged = found.differences[2]
    assert flagged.low * flagged.high > 0
    assert found.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.5), (-0.5, 0.0)])
def test_an_interval_that_ends_at_zero_is_neither(low: float, high: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """No difference is within it."""
    given = (low, high)
    monkeypatch.setattr(compare, "compare_proportions", lambda name, old, new: Difference(name, old, new, *given))
    assert compare_outcome() is Outcome.INCONCLUSIVE


def test_a_share_that_may_be_the_largest_allowed_is_not_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lower end of its interval counts."""
    monkeypatch.setattr(Proportion, "interval", lambda _: (compare.MAX_FLAGGED_SHARE, 0.9))
    assert compare_outcome() is Outcome.INCONCLUSIVE


def test_too_little_of_the_old_one_is_too_little() -> None:
    """Both have to be known."""
    assert compare_outcome(replace(OLD, scored=scored(10, 0.0)), slow=Proportion(0, 4_000)) is Outcome.INCONCLUSIVE


def test_old_and_new_are_not_the_same_to_it() -> None:
    """Swapping the versions swaps better and worse."""
    quick = replace(NEW, slow=Proportion(4, 4_000))
    assert compare.compare_versions(OLD, quick).outcome is Outcome.PASSED
    assert compare.compare_versions(quick, OLD).outcome is Outcome.FAILED


def test_all_that_is_judged_shares_one_error() -> None:
    """Each interval is that of `sequential` with its third of 5 %."""
    old, new = (48, 80), (56, 70)
    sides = Proportion(*old).as_floats(), Proportion(*new).as_floats()
    found = compare.compare_proportions("", Proportion(*old), Proportion(*new))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == tuple(map(float, sequential.bound_difference(*sides, 0.05 / 3)))
    assert Proportion(*new).interval() == tuple(map(float, sequential.bound_proportion(*sides[1], 0.05 / 3)))


def grow(slow: float, removed: float, seed: int) -> Iterator[dict[str, Any]]:
    """Simulate what a version has by and by."""
    random = np.random.default_rng(seed)
    slows, removals = random.random(6_000) < slow, random.random(300) < removed
    for part in range(1, 13):
        answered, alerts = 500 * part, 25 * part
        yield {
            "slow": Proportion(int(slows[:answered].sum()), answered),
            "removed": Proportion(int(removals[:alerts].sum()), alerts),
        }


def decide(seed: int, slow: float = 0.01, removed: float = 0.3) -> Outcome:
    """Look again and again until it is decided, as an analysis does."""
    others = {f"{one}0000": score for one, score in NEW.scored.items()}  # each pull request went to one of them
    for old, new in zip(grow(0.01, 0.3, 2 * seed), grow(slow, removed, 2 * seed + 1), strict=True):
        found = compare_outcome(replace(OLD, **old), scored=others, **new)
        if found is not Outcome.INCONCLUSIVE:
            break
    return found


def test_looking_again_and_again_does_not_turn_chance_into_a_decision() -> None:
    """Of two equal versions at most one in twenty is ever called better or worse."""
    decided = [decide(seed) for seed in range(20)]
    assert decided.count(Outcome.INCONCLUSIVE) >= 19


@pytest.mark.parametrize(
    ("outcome", "shares"),
    [(Outcome.PASSED, {"removed": 0.1}), (Outcome.FAILED, {"removed": 0.6}), (Outcome.FAILED, {"slow": 0.05})],
)
def test_looking_again_and_again_finds_what_is_there(outcome: Outcome, shares: dict[str, float]) -> None:
    """Each time, and the right way round."""
    assert {decide(seed, **shares) for seed in range(8)} == {outcome}


def test_nothing_is_known_without_data() -> None:
    """Neither a proportion nor a difference."""
    none, some = Proportion(0, 0), Proportion(1, 2)
    assert (math.isnan(none.value), none.interval()) == (True, (0.0, 1.0))
    for old, new in ((none, some), (some, none), (none, none)):
        found = compare.compare_proportions("", old, new)
        assert (found.low, found.high, math.isnan(found.value)) == (-1.0, 1.0, True)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_kappa_is_cohens(share: float) -> None:
    """As another library has it."""
    random = np.random.default_rng(4)
    one = random.random(300) < 0.3
    other = np.where(random.random(300) < share, ~one, one)
    assert compare.kappa(one, other) == pytest.approx(cohen_kappa_score(one, other))


def test_rank_correlation_is_spearmans() -> None:
    """As another library has it, with ties."""
    random = np.random.default_rng(4)
    one, other = random.integers(0, 50, (2, 3, 400)).astype(float)
    found = compare.rank_correlation(one, one + other)
    assert found == pytest.approx([spearmanr(*pair).statistic for pair in zip(one, one + other, strict=True)])
    assert np.isnan(compare.rank_correlation(np.ones(9), np.arange(9.0)))


def test_kappa_of_those_that_flag_nothing_is_no_agreement() -> None:
    """The interval is NaN and is reported as none."""
    nothing = {name: replace(one, flagged=False) for name, one in OLD.scored.items()}
    assert math.isnan(compare.kappa(np.zeros(9, bool), np.zeros(9, bool)))
    lines = compare.compare_versions(replace(OLD, scored=nothing), replace(NEW, scored=nothing)).lines
    assert any("kappa no data" in line for line in lines)


def test_a_missing_figure_is_reported() -> None:
    """Nobody takes it for zero."""
    found = compare.compare_versions(OLD, replace(NEW, slow=Proportion(0, 0), removed=Proportion(0, 0), scored={}))
    assert {"slower than 100 ms: no data", "alerts removed by people within a day: no data", "flagged: no data"} <= set(
        found.lines
    )
    assert "agreement: no data, 0 pull requests were scored by both" in found.lines
    assert "flagged: no data" in compare.compare_versions(replace(OLD, scored={}), NEW).lines


def test_a_comparison_has_the_same_lines_each_time() -> None:
    """To the last digit, though its intervals are drawn by chance."""
    few = compare.compare_versions(OLD, replace(NEW, scored=scored(50, 0.1, seed=2), digests=frozenset("bc")))
    assert few.lines == (
        "slower than 100 ms: 1.00% of 4,000 against 1.00% of 4,000, difference +0.00 points (-1.20 points to "
        "+1.20 points)",
        "alerts removed by people within a day: 30.00% of 100 against 30.00% of 100, difference +0.00 points "
        "(-27.52 points to +27.52 points)",
        "flagged: 8.00% of 50 against 1.67% of 600, difference +6.33 points (-2.82 points to +32.80 points)",
        "agreement on 50 pull requests: kappa 0.000 (no interval), rank correlation 0.154 (-0.140 to 0.436)",
        "version 4 has 50 pull requests; 200 are needed",
        "version 4 covers 2 models",
    )
    many = compare.compare_versions(OLD, replace(NEW, slow=Proportion(4, 4_000)))
    assert many.lines[0].endswith("difference -0.90 points (-1.94 points to -0.14 points)")
    assert many.lines[3:] == (
        "agreement on 600 pull requests: kappa -0.019 (-0.026 to -0.010), rank correlation 0.039 (-0.038 to 0.120)",
    )
    assert compare.compare_versions(OLD, NEW).lines[-1] == "no difference beyond chance"
    assert (few.word, many.word) == ("not enough data", "better")
    nothing = compare.compare_versions(VersionData("1"), VersionData("2"))
    assert [(one.old, one.new) for one in nothing.differences] == [(Proportion(0, 0), Proportion(0, 0))] * 3
    lines = compare.compare_versions(OLD, replace(NEW, scored=scored(49, 0.1))).lines
    assert lines[3] == "agreement: no data, 49 pull requests were scored by both"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("counts", [((0, 0), (3, 10)), ((3, 10), (0, 0)), ((0, 0), (0, 0))], ids=["old", "new", "both"])
def test_a_side_without_data_leaves_everything_possible(counts: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """Without a warning of a division by nothing."""
    old, new = (Proportion(*one) for one in counts)
    found = compare.compare_proportions("flagged", old, new)
    assert (found.low, found.high) == (-1, 1)
    assert math.isnan(found.value)


@pytest.mark.parametrize("new", [NEW, VersionData("4")])
def test_a_picture_is_drawn(new: VersionData, tmp_path: Path) -> None:
    """Of little too."""
    plot.draw(tmp_path / "versions.png", OLD, new, compare.compare_versions(OLD, new))
    assert (tmp_path / "versions.png").read_bytes().startswith(b"\x89PNG")
