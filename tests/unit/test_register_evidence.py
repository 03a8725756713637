"""The gate believes what is measured on enough rows, as training recorded it, and with reasons that are true."""

from typing import Any

import numpy as np
import pytest

from steps.register import gate
from steps.train.truth import Truth
from tests.support.contenders import GOOD, HELD_OUT, KINDS, REAL, ROWS, contender, decide, draw_scores, evidence


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kinds": KINDS[:0], "additions": GOOD[:0]}, "too little evidence"),
        ({"kinds": KINDS[:REAL], "additions": GOOD[:REAL]}, "too little evidence"),
        ({"kinds": KINDS[REAL:], "additions": GOOD[REAL:]}, "too little evidence"),
        ({"kinds": KINDS[REAL - gate.MIN_REAL + 1 :]}, "too little evidence"),
        ({"kinds": KINDS[: REAL + gate.MIN_INJECTED - 1]}, "too little evidence"),
        ({"kinds": np.append(KINDS[:REAL], KINDS[-HELD_OUT:])}, "too little evidence"),
        ({"recorded": {}}, "other figures"),
        ({"recorded": {"model": np.nan, "isolation_forest": 0.1, "ecod": 0.1}}, "other figures"),
        ({"recorded": {"model": 0.5, "isolation_forest": 0.1, "ecod": 0.1}}, "other figures"),
        ({"additions": draw_scores(5.0)}, "below floor"),
    ],
)
def test_too_little_evidence_refuses(changes: dict[str, Any], rule: str) -> None:
    """No rows, too few, figures of another measurement, or a user who had better sorted by size."""
    rows = len(changes.get("kinds", KINDS))
    challenger = contender(GOOD[len(GOOD) - rows :] if rows < REAL else GOOD[:rows])
    made = evidence(contender(GOOD), **({"recorded": {}} if "kinds" in changes else {}) | changes)
    decision = gate.decide(challenger=challenger, champion=None, evidence=made)
    assert (decision.accepted, decision.rule) == (False, rule)


@pytest.mark.parametrize("figure", [None, np.nan, evidence(contender(GOOD)).recorded["model"] / 1.02, np.inf])
@pytest.mark.parametrize("name", gate.RECORDED_BASELINES)
def test_each_recorded_baseline_must_be_known_and_beaten(name: str, figure: float | None) -> None:
    """A baseline that is missing, no number or nearly as good refuses the model."""
    challenger = contender(GOOD)
    known = dict(evidence(challenger).recorded)
    recorded = {key: value for key, value in (known | {name: figure}).items() if value is not None}
    decision = decide(challenger, recorded=recorded)
    assert (decision.accepted, decision.rule) == (False, "below floor")
    assert name in decision.reason


@pytest.mark.parametrize(
    ("reasons", "recorded", "rule"),
    [
        (Truth(100, 97, frozenset()), (100, 97), "first"),
        (Truth(100, 81, frozenset()), (100, 81), "first"),
        (Truth(100, 80, frozenset()), (100, 80), "untrue reasons"),
        (Truth(1_000, 869, frozenset()), (1_000, 869), "untrue reasons"),
        (Truth(100, 97, frozenset({"new_folders"})), (100, 97), "untrue reasons"),
        (Truth(100, 97, frozenset()), (100, 96), "other figures"),
        (Truth(100, 97, frozenset()), (99, 97), "other figures"),
        (Truth(100, 97, frozenset()), None, "other figures"),
        (Truth(0, 0, frozenset()), (0, 0), "unchecked reasons"),
    ],
)
def test_reasons_must_be_true_and_checked(reasons: Truth, recorded: tuple[int, int] | None, rule: str) -> None:
    """By the newest pull requests, and training must have said the same."""
    decision = decide(contender(GOOD), reasons=reasons, recorded_reasons=recorded)
    assert decision.rule == rule
    assert ("new_folders" in decision.reason) == bool(reasons.contradicted)


def test_reasons_that_too_few_rows_can_check_are_not_held_against_a_model() -> None:
    """No repository has enough real rows."""
    owners = np.array([f"octo/{place % 3}" for place in range(ROWS)], dtype=object)
    unchecked: dict[str, Any] = {"reasons": Truth(0, 0, frozenset()), "recorded_reasons": (0, 0)}
    assert decide(contender(GOOD), repositories=owners, **unchecked).accepted


@pytest.mark.parametrize(
    ("real", "injected", "accepted"), [(50, 10, True), (49, 10, False), (50, 9, False), (50, 11, True)]
)
def test_fifty_real_rows_and_ten_injected_ones_are_enough(real: int, injected: int, accepted: bool) -> None:
    """One less of either is not."""
    kinds = np.array([None] * real + ["kind"] * injected, dtype=object)
    scores = draw_scores(4.0, kinds=kinds)
    threshold = float(np.quantile(scores[:real], 0.99))
    decision = decide(contender(scores, threshold=threshold), kinds=kinds, additions=draw_scores(0.0, 9, kinds))
    assert decision.rule == ("first" if accepted else "too little evidence")


@pytest.mark.parametrize(
    ("true", "rule"), [(871, "first"), (869, "untrue reasons"), (1_000, "first"), (0, "untrue reasons")]
)
def test_one_statement_in_ten_may_be_untrue_and_some_more_by_chance(true: int, rule: str) -> None:
    """Of a thousand, nearly a hundred and thirty."""
    assert decide(contender(GOOD), reasons=Truth(1_000, true, frozenset()), recorded_reasons=(1_000, true)).rule == rule


@pytest.mark.parametrize(("apart", "rule"), [(0.0049, "first"), (0.0051, "other figures")])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("which", ["recorded", "recorded_held_out"])
def test_recorded_figures_may_differ_by_rounding_only(apart: float, rule: str, sign: int, which: str) -> None:
    """Neither more nor less, on known or on held-out kinds."""
    known = dict(getattr(evidence(contender(GOOD)), which))
    changed = known | {"model": known["model"] + sign * apart}
    changes: dict[str, Any] = {which: changed}
    assert decide(contender(GOOD), **changes).rule == rule


def test_a_baseline_that_is_clearly_beaten_does_not_refuse() -> None:
    """By a little more than a twentieth."""
    known = dict(evidence(contender(GOOD)).recorded)
    close = dict.fromkeys(gate.RECORDED_BASELINES, known["model"] / 1.06)
    assert decide(contender(GOOD), recorded=known | close).accepted


@pytest.mark.parametrize("which", ["recorded", "recorded_held_out"])
def test_the_whole_tolerance_of_recorded_figures_may_be_used(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """But no more."""
    known = dict(getattr(evidence(contender(GOOD)), which))
    changes: dict[str, Any] = {which: known | {"model": known["model"] - 0.004}}
    exactly = abs(known["model"] - changes[which]["model"])
    monkeypatch.setattr(gate, "RECORDED_TOLERANCE", exactly)
    assert decide(contender(GOOD), **changes).rule == "first"
    monkeypatch.setattr(gate, "RECORDED_TOLERANCE", exactly * 0.999)
    assert decide(contender(GOOD), **changes).rule == "other figures"


def test_a_model_that_is_only_as_good_as_a_baseline_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any margin too."""
    monkeypatch.setattr(gate, "MARGIN", 1.0)
    known = dict(evidence(contender(GOOD)).recorded)
    assert decide(contender(GOOD), recorded=known | {"ecod": known["model"]}).rule == "below floor"
