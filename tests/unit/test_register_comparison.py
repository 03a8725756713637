"""Compared with champions, a model is accepted if it is better, or fresher and not worse."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.register import gate
from steps.register.evidence import Contender, ReferenceFigures
from tests.support.contenders import (
    FAIR,
    GOOD,
    KINDS,
    NOW,
    PLANTED_ROWS,
    REAL,
    ROWS,
    STEADY,
    champion,
    contender,
    decide,
    draw_scores,
    evidence,
)

ONE_ROW = np.arange(ROWS) == REAL + 3


def test_a_better_model_is_accepted_with_its_figures() -> None:
    """A gain that is certain enough is named with both average precisions."""
    decision = decide(contender(GOOD), champion(FAIR))
    assert (decision.accepted, decision.rule) == (True, "better")
    assert "of version 1; the gain is between +0." in decision.reason


def test_a_fresher_model_that_is_not_worse_is_accepted() -> None:
    """Newer data are reason enough where the scores rank alike."""
    decision = decide(contender(GOOD), champion(GOOD, data_until=NOW - timedelta(days=1)))
    assert (decision.accepted, decision.rule) == (True, "fresher")


def test_a_fresher_model_that_measures_no_worse_is_accepted_on_little_evidence() -> None:
    """However wide the interval is: the refused pair of "maybe worse", the other way round."""
    ahead, behind = draw_scores(2.5, 4), draw_scores(2.5, 3)
    decision = decide(contender(ahead), champion(behind, data_until=NOW - timedelta(days=1)))
    assert (decision.accepted, decision.rule) == (True, "fresher")
    least = float(decision.reason.partition("the gain is between ")[2].split()[0])
    assert least < -gate.TOLERANCE


def test_a_fresher_model_that_measures_the_same_is_accepted_on_little_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other rows of each kind have the scores, so that the resamples differ, and the measurement does not."""
    monkeypatch.setattr(gate, "RECORDED_TOLERANCE", 0.0)
    before = draw_scores(2.5, 3)
    same = before.copy()
    for kind in {*KINDS}:
        same[kind == KINDS] = before[kind == KINDS][::-1]
    decision = decide(contender(same), champion(before, data_until=NOW - timedelta(days=1)))
    assert (decision.accepted, decision.rule) == (True, "fresher")
    least = float(decision.reason.partition("the gain is between ")[2].split()[0])
    assert least < -gate.TOLERANCE


@pytest.mark.parametrize(("more", "rule"), [(1e-9, "fresher"), (-1e-9, "maybe worse")])
def test_a_fresher_model_may_measure_less_by_what_a_measurement_is_reproduced_to(
    monkeypatch: pytest.MonkeyPatch, more: float, rule: str
) -> None:
    """On little evidence; what is more is behind."""
    behind, ahead = draw_scores(2.5, 3), draw_scores(2.5, 4)
    judged, before = contender(behind), champion(ahead, data_until=NOW - timedelta(days=1))
    lost = evidence(judged).precision(ahead) - evidence(judged).precision(behind)
    assert lost > gate.RECORDED_TOLERANCE
    monkeypatch.setattr(gate, "RECORDED_TOLERANCE", lost + more)
    assert decide(judged, before).rule == rule


def test_the_champion_itself_is_unchanged() -> None:
    """The same content from the same data is the version that is there, whatever else is measured."""
    decision = decide(contender(GOOD), champion(GOOD, content="c1", data_hash="d1"))
    assert (decision.accepted, decision.rule) == (False, "unchanged")


@pytest.mark.parametrize(
    ("challenger", "before", "rule"),
    [
        (contender(FAIR), champion(GOOD), "worse"),
        (contender(FAIR), champion(GOOD, data_until=NOW - timedelta(days=1)), "worse"),
        (contender(GOOD), champion(GOOD), "tie"),
        (contender(GOOD), champion(GOOD, data_until=None), "tie"),
        (contender(GOOD, data_until=None), champion(GOOD), "tie"),
        (contender(GOOD), champion(GOOD, data_until=NOW + timedelta(days=1)), "tie"),
        (contender(GOOD), champion(GOOD, content="c1"), "tie"),
        (contender(draw_scores(2.5, 3)), champion(draw_scores(2.5, 4)), "not better and not fresher"),
        (contender(draw_scores(2.5, 4)), champion(draw_scores(2.5, 3)), "not better and not fresher"),
        (
            contender(draw_scores(2.5, 3)),
            champion(draw_scores(2.5, 4), data_until=NOW - timedelta(days=1)),
            "maybe worse",
        ),
        (contender(STEADY - 0.3 * PLANTED_ROWS), champion(STEADY, data_until=NOW - timedelta(days=1)), "worse"),
        (contender(np.where(ONE_ROW, GOOD[:REAL].mean(), GOOD)), champion(GOOD), "not better and not fresher"),
        (contender(GOOD), champion(np.full(ROWS, np.nan)), "no comparison"),
        (contender(GOOD), champion(np.where(ONE_ROW, np.nan, GOOD)), "no comparison"),
        (contender(GOOD), champion(GOOD[:-1]), "no comparison"),
    ],
)
def test_a_challenger_that_is_not_ahead_of_the_champion_is_refused(
    challenger: Contender, before: Contender, rule: str
) -> None:
    """Worse, equal, unproven, or compared with nothing: each refusal has its name."""
    decision = decide(challenger, before)
    assert (decision.accepted, decision.rule) == (False, rule)
    assert decision.reason.startswith(f"{rule.capitalize()}: ")


@settings(max_examples=10, deadline=None)
@given(
    shifts=st.tuples(st.floats(2.0, 5.0), st.floats(2.0, 5.0)),
    seeds=st.tuples(st.integers(0, 99), st.integers(100, 199)),
)
def test_swapped_arguments_never_both_win(shifts: tuple[float, float], seeds: tuple[int, int]) -> None:
    """Of two models at most one is better than the other."""
    first, second = (draw_scores(shift, seed) for shift, seed in zip(shifts, seeds, strict=True))
    one_way, other_way = decide(contender(first), champion(second)), decide(contender(second), champion(first))
    assert not (one_way.accepted and other_way.accepted)


@pytest.mark.parametrize("before", [champion(FAIR), champion(GOOD, data_until=NOW - timedelta(days=1))])
@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        (ReferenceFigures(0.701, {"1": 0.70, "3": 0.72}), None),
        (ReferenceFigures(0.69, {"1": 0.70, "3": 0.72}), "losses add up"),
        (ReferenceFigures(np.nan, {"1": 0.70}), "losses add up"),
        (ReferenceFigures(0.70, {"1": np.nan}), "losses add up"),
        (ReferenceFigures(0.70, {}), "no comparison"),
        (None, "no comparison"),
    ],
)
def test_small_losses_add_up_on_the_reference_set(
    before: Contender, reference: ReferenceFigures | None, rule: str | None
) -> None:
    """Against the best recent champion, not the last, whether the model is better or fresher on new data."""
    decision = decide(contender(GOOD), before, reference=reference)
    assert decision.accepted == (rule is None)
    assert rule is None or decision.rule == rule
    assert rule != "losses add up" or "version" in decision.reason


def test_sixteen_nights_that_lose_a_little_each_end_early() -> None:
    """Each is fresher and within the tolerance of one night; together they may lose no more than that."""
    figures = {"1": 0.692}
    refused: list[str] = []
    for night in range(2, 18):
        found = figures[str(night - 1 - len(refused))] - 0.0067 if not refused else 0.692 - 0.0067 * (night - 1)
        before = champion(GOOD, data_until=NOW - timedelta(days=1))
        decision = decide(contender(GOOD), before, reference=ReferenceFigures(found, figures))
        if decision.accepted:
            figures[str(night)] = found
        else:
            refused.append(decision.rule)
    assert min(figures.values()) >= 0.692 - gate.CUMULATIVE_TOLERANCE
    assert refused == ["losses add up"] * 14


def test_a_fresher_model_may_lose_a_little() -> None:
    """Less than the tolerance, with confidence."""
    slightly = GOOD + np.random.default_rng(2).normal(size=ROWS) * 0.02
    before = champion(GOOD, data_until=NOW - timedelta(days=1))
    decision = decide(contender(slightly), before)
    least = float(decision.reason.partition("between ")[2].partition(" and")[0])
    assert (decision.rule, -gate.TOLERANCE < least < 0) == ("fresher", True)


def test_the_whole_tolerance_may_be_lost_on_the_reference_set() -> None:
    """And a little more may not."""
    before = champion(FAIR)
    assert decide(contender(GOOD), before, reference=ReferenceFigures(0.0, {"1": 0.02})).accepted
    assert not decide(contender(GOOD), before, reference=ReferenceFigures(0.0, {"1": 0.0201})).accepted
    named = decide(contender(GOOD), before, reference=ReferenceFigures(0.1, {"1": 0.3, "2": 0.5, "3": 0.4}))
    assert "0.100 on the reference set, where version 2 had 0.500" in named.reason


def test_a_fresher_model_must_lose_less_than_the_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    """With confidence; exactly as much is too much."""
    slightly = GOOD - 0.01 * PLANTED_ROWS + np.random.default_rng(5).normal(size=ROWS) * 0.1
    judged, before = contender(slightly), champion(GOOD, data_until=NOW - timedelta(days=1))
    drawn = gate._draw_gains(judged, before, evidence(judged), held_out=False)
    least, most = np.quantile(drawn, (1 - gate.CONFIDENCE, gate.CONFIDENCE))
    assert least < 0 < most
    assert evidence(judged).precision(slightly) < evidence(judged).precision(GOOD)
    monkeypatch.setattr(gate, "TOLERANCE", -least)
    assert decide(judged, before).rule == "maybe worse"
    monkeypatch.setattr(gate, "TOLERANCE", -least + 1e-9)
    assert decide(judged, before).rule == "fresher"
