"""A version is called better or worse only by what chance does not give, and never by too little."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from rollouts.checks import compare, plot
from rollouts.checks.compare import LatestScore, Proportion, VersionData
from rollouts.checks.verdict import Outcome


def scored(count: int, flagged: float, seed: int = 1) -> dict[str, LatestScore]:
    """The scores of a version for a number of pull requests."""
    random = np.random.default_rng(seed)
    return {f"o/n#{one}": LatestScore(float(random.gamma(4)), bool(random.random() < flagged)) for one in range(count)}


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
    ],
)
def test_chance_too_little_or_itself_is_neither(neither: dict[str, Any]) -> None:
    """A tie, no data, few, none, two models under one name, the same model, the same version."""
    assert compare_outcome(**neither) is Outcome.INCONCLUSIVE


def test_too_little_of_the_old_one_is_too_little() -> None:
    """Both have to be known."""
    assert compare_outcome(replace(OLD, scored=scored(10, 0.0)), slow=Proportion(0, 4_000)) is Outcome.INCONCLUSIVE


def test_old_and_new_are_not_the_same_to_it() -> None:
    """Swapping the versions swaps better and worse."""
    quick = replace(NEW, slow=Proportion(4, 4_000))
    assert compare.compare_versions(OLD, quick).outcome is Outcome.PASSED
    assert compare.compare_versions(quick, OLD).outcome is Outcome.FAILED


def test_the_interval_is_newcombes() -> None:
    """The example in his article of 1998: 56 of 70 less 48 of 80."""
    found = compare.compare_proportions("", Proportion(48, 80), Proportion(56, 70))
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)


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
    assert {"slower than 100 ms: no data", "alerts removed by people: no data", "flagged: no data"} <= set(found.lines)
    assert "agreement: no data, 0 pull requests were scored by both" in found.lines


@pytest.mark.parametrize("new", [NEW, VersionData("4")])
def test_a_picture_is_drawn(new: VersionData, tmp_path: Path) -> None:
    """Of little too."""
    plot.draw(tmp_path / "versions.png", OLD, new, compare.compare_versions(OLD, new))
    assert (tmp_path / "versions.png").read_bytes().startswith(b"\x89PNG")
