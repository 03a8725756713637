"""Kinds of anomalies that no choice has seen count by themselves, against what training recorded and the champion."""

from typing import Any

import numpy as np
import pytest

from steps.register import gate
from tests.support.contenders import (
    GOOD,
    KINDS,
    PLANTED,
    PLANTED_ROWS,
    REAL,
    champion,
    contender,
    decide,
    draw_scores,
    evidence,
    spread,
)


def hide(scores: Any) -> Any:
    """Scores by which held-out kinds do not stand out."""
    return np.append(scores[: REAL + PLANTED], draw_scores(0.0, 5)[REAL + PLANTED :])


def test_a_model_that_finds_only_known_kinds_is_refused() -> None:
    """Choices were made by these, and what none was made by shows it."""
    decision = decide(contender(hide(GOOD)))
    assert (decision.accepted, decision.rule) == (False, "only known kinds")
    assert "lines_added" in decision.reason


def test_a_gain_on_known_kinds_does_not_make_up_for_a_loss_on_the_others() -> None:
    """The champion finds what no choice has seen, and the challenger finds it less."""
    mixed = np.append(draw_scores(4.0)[: REAL + PLANTED], draw_scores(1.5, 6)[REAL + PLANTED :])
    strong = np.append(draw_scores(2.0)[: REAL + PLANTED], draw_scores(4.0)[REAL + PLANTED :])
    decision = decide(contender(mixed), champion(strong))
    assert (decision.accepted, decision.rule) == (False, "only known kinds")
    assert "on held-out kinds it loses at least 0." in decision.reason
    assert decide(contender(strong), champion(mixed, content="c2")).rule == "worse"
    closer = np.append(draw_scores(4.0)[: REAL + PLANTED], strong[REAL + PLANTED :] - 0.01)
    assert decide(contender(closer), champion(strong)).rule == "better"


@pytest.mark.parametrize("figure", [None, np.nan, 0.2])
def test_the_figure_on_held_out_kinds_must_be_the_recorded_one(figure: float | None) -> None:
    """Else the run measured something else."""
    recorded = {"isolation_forest": 0.1, "ecod": 0.1} | ({} if figure is None else {"model": figure})
    decision = decide(contender(GOOD), recorded_held_out=recorded)
    assert (decision.accepted, decision.rule) == (False, "other figures")


def test_held_out_kinds_must_be_there_where_there_is_enough_to_draw_them_from() -> None:
    """With few real rows there may be none; with a thousand they were left out."""
    few = np.array([str(kind).startswith("unseen") for kind in KINDS], dtype=bool)
    small: dict[str, Any] = {"kinds": KINDS[~few], "additions": draw_scores(0.5, 99)[~few]}
    assert decide(contender(GOOD[~few]), **small).accepted
    kinds = np.array([None] * gate.ENOUGH_REAL + list(KINDS[REAL : REAL + PLANTED]), dtype=object)
    large: dict[str, Any] = {"kinds": kinds, "additions": draw_scores(0.5, 99, kinds)}
    scores = draw_scores(4.0, kinds=kinds)
    threshold = float(np.quantile(scores[: gate.ENOUGH_REAL], 0.99))
    decision = decide(contender(scores, threshold=threshold), **large)
    assert (decision.accepted, decision.rule) == (False, "too little evidence")
    assert "0 anomalies of held-out kinds" in decision.reason


def test_what_held_out_kinds_score_does_not_count_among_the_others() -> None:
    """Neither for the floor nor against the champion."""
    whole, hidden = evidence(contender(GOOD)), evidence(contender(hide(GOOD)))
    assert whole.recorded == hidden.recorded
    assert whole.recorded_held_out != hidden.recorded_held_out


@pytest.mark.parametrize(
    ("real", "held_out", "rule"),
    [
        (600, 9, "first"),
        (600, 10, "only known kinds"),
        (999, 0, "first"),
        (999, 9, "first"),
        (1_000, 9, "too little evidence"),
        (1_000, 10, "only known kinds"),
    ],
)
def test_ten_held_out_anomalies_are_judged_and_due_from_a_thousand_rows_on(real: int, held_out: int, rule: str) -> None:
    """A model that can't find them passes only where there are too few to tell."""
    kinds = np.array([None] * real + ["kind"] * PLANTED + ["unseen"] * held_out, dtype=object)
    scores = np.append(draw_scores(4.0, kinds=kinds[: real + PLANTED]), np.full(held_out, -9.0))
    threshold = float(np.quantile(scores[:real], 0.99))
    changes: dict[str, Any] = {"additions": draw_scores(0.5, 99, kinds), "repositories": spread(len(kinds), 100)}
    assert decide(contender(scores, threshold=threshold), kinds=kinds, **changes).rule == rule


@pytest.mark.parametrize("margin", [1.0, gate.MARGIN])
def test_a_model_that_finds_held_out_kinds_only_as_well_as_lines_added_is_refused(
    margin: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it finds the others, which lines added don't."""
    monkeypatch.setattr(gate, "MARGIN", margin)
    known = np.array([str(kind).startswith("kind") for kind in KINDS])
    decision = decide(contender(GOOD), additions=np.where(known, -9.0, GOOD))
    assert (decision.accepted, decision.rule) == (False, "only known kinds")


@pytest.mark.parametrize(("held_out", "rule"), [(9, "better"), (10, "only known kinds")])
def test_a_loss_on_held_out_kinds_counts_from_ten_on(held_out: int, rule: str) -> None:
    """Against a champion that finds all of them; lines added find none."""
    kinds = np.array([None] * REAL + ["kind"] * PLANTED + ["unseen"] * held_out, dtype=object)
    hidden = np.array([kind == "unseen" for kind in kinds])
    scores, before = draw_scores(4.0, kinds=kinds), draw_scores(2.0, 2, kinds)
    before = np.where(hidden, 99.0, before)
    scores = np.where(hidden, np.sort(scores[:REAL])[-30], scores)
    additions = np.where(hidden, -9.0, draw_scores(0.5, 99, kinds))
    assert decide(contender(scores), champion(before), kinds=kinds, additions=additions).rule == rule


def test_no_loss_at_all_on_held_out_kinds_is_within_any_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of nothing too."""
    monkeypatch.setattr(gate, "TOLERANCE", 0.0)
    unseen = np.array([str(kind).startswith("unseen") for kind in KINDS])
    before = np.where(unseen | ~PLANTED_ROWS, GOOD, GOOD - 2.0)
    assert decide(contender(GOOD), champion(before)).rule == "better"
