"""The gate says yes to a sound model that is the first, better, or fresher and not worse; to all else no, by name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.register import gate
from steps.register.gate import Contender, Decision, GateEvidence

REAL, PLANTED = 600, 96
KINDS = np.array([None] * REAL + [f"kind {n % 4}" for n in range(PLANTED)], dtype=object)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUDGET = 0.01


def draw_scores(shift: float, seed: int = 1, kinds: Any = KINDS) -> Any:
    """Scores by which planted rows stand out by `shift` standard deviations."""
    planted = np.array([kind is not None for kind in kinds])
    return np.random.default_rng(seed).normal(size=len(kinds)) + shift * planted


def contender(scores: Any, **changes: Any) -> Contender:
    """A sound model with these scores."""
    real = scores[: min(REAL, len(scores))]
    facts = {
        "name": "this model",
        "scores": scores,
        "threshold": float(np.quantile(real, 1 - BUDGET)) if len(real) else 1.0,
        "alert_budget": BUDGET,
        "content": "c1",
        "data_hash": "d1",
        "data_until": NOW,
    }
    return Contender(**(facts | changes))


def champion(scores: Any, **changes: Any) -> Contender:
    """The model before."""
    return contender(scores, **({"name": "version 1", "content": "c0", "data_hash": "d0"} | changes))


def evidence(challenger: Contender, **changes: Any) -> GateEvidence:
    """What a sound run of the challenger recorded."""
    facts: dict[str, Any] = {"data_hash": "d1", "kinds": KINDS, "additions": draw_scores(0.5, 99), "recorded": {}}
    made = GateEvidence(**(facts | changes))
    if "recorded" in changes:
        return made
    own = made.precision(challenger.scores) if challenger.scores.shape == made.kinds.shape else 0.5
    return replace(made, recorded={"model": own, "isolation_forest": 0.1, "ecod": 0.1})


def decide(challenger: Contender, before: Contender | None = None, **changes: Any) -> Decision:
    """The gate's decision on a challenger whose run recorded what is true."""
    return gate.decide(challenger=challenger, champion=before, evidence=evidence(challenger, **changes))


GOOD, FAIR = draw_scores(4.0), draw_scores(2.0, 2)


def test_a_sound_first_model_is_accepted() -> None:
    """Without a champion, being sound and above the floor is enough."""
    decision = decide(contender(GOOD))
    assert (decision.accepted, decision.rule) == (True, "first")
    assert decision.reason.startswith("First: average precision 0.")


def test_a_better_model_is_accepted_with_its_figures() -> None:
    """A gain that is certain enough is named with both average precisions."""
    decision = decide(contender(GOOD), champion(FAIR))
    assert (decision.accepted, decision.rule) == (True, "better")
    assert "of version 1; the gain is between +0." in decision.reason


def test_a_fresher_model_that_is_not_worse_is_accepted() -> None:
    """Newer data are reason enough where the scores rank alike."""
    decision = decide(contender(GOOD), champion(GOOD, data_until=NOW - timedelta(days=1)))
    assert (decision.accepted, decision.rule) == (True, "fresher")


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
        (contender(GOOD), champion(np.full(REAL + PLANTED, np.nan)), "no comparison"),
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


def replace_one(value: float) -> Any:
    """Good scores of which one is replaced."""
    return np.append(GOOD[:-1], value)


@pytest.mark.parametrize("before", [None, champion(FAIR)])
@pytest.mark.parametrize(
    ("challenger", "rule"),
    [
        (contender(GOOD, data_hash="d2"), "other data"),
        (contender(GOOD[:-1]), "other rows"),
        (contender(np.array([])), "other rows"),
        (contender(GOOD[:, None]), "other rows"),
        (contender(replace_one(np.nan)), "scores are not numbers"),
        (contender(replace_one(np.inf)), "scores are not numbers"),
        (contender(np.full(REAL + PLANTED, 3.0), threshold=2.0), "constant scores"),
        (contender(1.0 + GOOD * 1e-9), "constant scores"),
        (contender(np.maximum(GOOD, np.quantile(GOOD, 0.6))), "constant scores"),
        (contender(GOOD, threshold=np.nan), "no threshold"),
        (contender(GOOD, threshold=-np.inf), "no threshold"),
        (contender(GOOD, alert_budget=np.nan), "no threshold"),
        (contender(GOOD, alert_budget=0.0), "no threshold"),
        (contender(GOOD, alert_budget=1.0), "no threshold"),
        (contender(GOOD, threshold=-99.0), "flags too much"),
        (contender(GOOD, threshold=float(np.quantile(GOOD[:REAL], 0.94))), "flags too much"),
        (contender(GOOD, threshold=-99.0, alert_budget=0.4), "flags too much"),
        (contender(GOOD, threshold=99.0), "flags too little"),
        (contender(GOOD, threshold=float(GOOD[:REAL].max())), "flags too little"),
        (contender(draw_scores(0.1)), "below floor"),
        (contender(-GOOD), "below floor"),
        (contender(GOOD, was_demoted=True), "demoted"),
    ],
)
def test_an_unsound_challenger_is_refused_with_and_without_a_champion(
    challenger: Contender, before: Contender | None, rule: str
) -> None:
    """No champion, and none however weak, lets through what ranks nothing, flags wrongly or was demoted."""
    decision = decide(challenger, before)
    assert (decision.accepted, decision.rule) == (False, rule)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kinds": KINDS[:0], "additions": GOOD[:0]}, "too little evidence"),
        ({"kinds": KINDS[:REAL], "additions": GOOD[:REAL]}, "too little evidence"),
        ({"kinds": KINDS[REAL:], "additions": GOOD[REAL:]}, "too little evidence"),
        ({"kinds": KINDS[REAL - gate.MIN_REAL + 1 :]}, "too little evidence"),
        ({"kinds": KINDS[: REAL + gate.MIN_INJECTED - 1]}, "too little evidence"),
        ({"recorded": {}}, "other figures"),
        ({"recorded": {"model": np.nan, "isolation_forest": 0.1, "ecod": 0.1}}, "other figures"),
        ({"recorded": {"model": 0.5, "isolation_forest": 0.1, "ecod": 0.1}}, "other figures"),
        ({"additions": draw_scores(5.0)}, "below floor"),
    ],
)
def test_too_little_evidence_refuses(changes: dict[str, Any], rule: str) -> None:
    """No rows, too few, figures of another measurement, or a user who had better sorted by size."""
    rows = len(changes.get("kinds", KINDS))
    challenger = contender(GOOD[len(GOOD) - rows :] if rows <= PLANTED else GOOD[:rows])
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


def test_few_real_rows_may_all_be_usual() -> None:
    """With 75 real rows and a budget of 1 % no real one needs to be flagged, if planted ones are."""
    kinds = np.array([None] * 75 + ["kind"] * 18, dtype=object)
    scores = draw_scores(4.0, kinds=kinds)
    usual = contender(scores, threshold=float(scores[:75].max()))
    small = {"kinds": kinds, "additions": draw_scores(0.0, 9, kinds)}
    assert decide(usual, **small).accepted
    assert decide(replace(usual, threshold=99.0), **small).rule == "flags too little"


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


@settings(max_examples=30, deadline=None)
@given(
    place=st.integers(0, REAL + PLANTED - 1),
    value=st.sampled_from([np.nan, np.inf, -np.inf]),
    before=st.sampled_from([None, champion(FAIR)]),
)
def test_scores_that_are_not_numbers_are_refused(place: int, value: float, before: Contender | None) -> None:
    """Wherever it stands."""
    scores = GOOD.copy()
    scores[place] = value
    assert not decide(contender(scores, threshold=2.5), before).accepted
