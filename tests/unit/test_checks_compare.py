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
from rollouts.checks.compare import Said, Scored, Share, Version


def scored(count: int, flagged: float, seed: int = 1) -> dict[str, Scored]:
    """What a version said of so many pull requests."""
    random = np.random.default_rng(seed)
    return {f"o/n#{one}": Scored(float(random.gamma(4)), bool(random.random() < flagged)) for one in range(count)}


OLD = Version("3", frozenset({"a"}), scored(600, 0.02), Share(40, 4_000), Share(30, 100))
NEW = Version("4", frozenset({"b"}), scored(600, 0.02, seed=2), Share(40, 4_000), Share(30, 100))


def said(old: Version = OLD, **new: Any) -> Said:
    """Of a new version like the old one, but for what is changed."""
    return compare.comparison(old, replace(NEW, **new)).said


@pytest.mark.parametrize("better", [{"slow": Share(4, 4_000)}, {"removed": Share(5, 100)}])
def test_fewer_slow_answers_or_removed_alerts_are_better(better: dict[str, Any]) -> None:
    """Either will do where the other is level."""
    assert said(**better) is Said.BETTER


@pytest.mark.parametrize(
    "worse",
    [
        {"slow": Share(400, 4_000)},
        {"removed": Share(70, 100)},
        {"scored": scored(600, 0.2)},
        {"scored": scored(600, 1.0)},
        {"slow": Share(4, 4_000), "removed": Share(70, 100)},
        {"slow": Share(4, 4_000), "scored": scored(600, 0.2)},
    ],
)
def test_one_thing_worse_is_worse(worse: dict[str, Any]) -> None:
    """However much better another is."""
    assert said(**worse) is Said.WORSE


@pytest.mark.parametrize(
    "neither",
    [
        {},
        {"slow": Share(38, 4_000)},
        {"slow": Share(42, 4_000)},
        {"removed": Share(33, 100)},
        {"removed": Share(28, 100)},
        {"slow": Share(0, 0), "removed": Share(0, 0)},
        {"slow": Share(0, 20)},
        {"removed": Share(0, 3)},
        {"slow": Share(0, 4_000), "scored": scored(199, 0.02)},
        {"slow": Share(0, 4_000), "scored": {}},
        {"slow": Share(0, 4_000), "digests": frozenset({"b", "c"})},
        {"slow": Share(0, 4_000), "digests": frozenset({"a"})},
        {"slow": Share(0, 4_000), "name": "3"},
    ],
)
def test_chance_too_little_or_itself_is_neither(neither: dict[str, Any]) -> None:
    """A tie, no data, few, none, two models under one name, the same model, the same version."""
    assert said(**neither) is Said.NOT_ENOUGH_DATA


def test_too_little_of_the_old_one_is_too_little() -> None:
    """Both have to be known."""
    assert said(replace(OLD, scored=scored(10, 0.0)), slow=Share(0, 4_000)) is Said.NOT_ENOUGH_DATA


def test_old_and_new_are_not_the_same_to_it() -> None:
    """What is better one way round is worse the other."""
    quick = replace(NEW, slow=Share(4, 4_000))
    assert compare.comparison(OLD, quick).said is Said.BETTER
    assert compare.comparison(quick, OLD).said is Said.WORSE


def test_the_interval_is_newcombes() -> None:
    """The example in his article of 1998: 56 of 70 less 48 of 80."""
    found = compare.difference("", Share(48, 80), Share(56, 70))
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
    """It is no number, and is told as none."""
    nothing = {name: replace(one, flagged=False) for name, one in OLD.scored.items()}
    assert math.isnan(compare.kappa(np.zeros(9, bool), np.zeros(9, bool)))
    lines = compare.comparison(replace(OLD, scored=nothing), replace(NEW, scored=nothing)).lines
    assert any("kappa no data" in line for line in lines)


def test_what_is_missing_is_said() -> None:
    """Nobody takes it for zero."""
    found = compare.comparison(OLD, replace(NEW, slow=Share(0, 0), removed=Share(0, 0), scored={}))
    assert {"slower than 100 ms: no data", "alerts removed by people: no data", "flagged: no data"} <= set(found.lines)
    assert "agreement: no data, 0 pull requests were scored by both" in found.lines


@pytest.mark.parametrize("new", [NEW, Version("4")])
def test_a_picture_is_drawn(new: Version, tmp_path: Path) -> None:
    """Of little too."""
    plot.draw(tmp_path / "versions.png", OLD, new, compare.comparison(OLD, new))
    assert (tmp_path / "versions.png").read_bytes().startswith(b"\x89PNG")
