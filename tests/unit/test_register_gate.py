"""The gate says yes to a sound model that is the first, better, or fresher and not worse; to all else no, by name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.register import gate
from steps.register.evidence import Contender, Decision, GateEvidence, ReferenceFigures
from steps.train.truth import Truth

REAL, PLANTED, HELD_OUT = 600, 96, 40
KINDS = np.array(
    [None] * REAL + [f"kind {n % 4}" for n in range(PLANTED)] + [f"unseen {n % 2}" for n in range(HELD_OUT)],
    dtype=object,
)
ROWS = len(KINDS)
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
    kinds = changes.get("kinds", KINDS)
    facts: dict[str, Any] = {
        "data_hash": "d1",
        "measured_at": NOW,
        "kinds": kinds,
        "held_out": np.array([str(kind).startswith("unseen") for kind in kinds], dtype=bool),
        "repositories": np.array(["octo/widgets"] * len(kinds), dtype=object),
        "additions": draw_scores(0.5, 99),
        "reasons": Truth(100, 97, frozenset()),
        "recorded": {},
        "recorded_held_out": {},
        "recorded_reasons": (100, 97),
    }
    made = GateEvidence(**(facts | changes))
    return replace(
        made,
        recorded=changes.get("recorded", record_figures(made, challenger, held_out=False)),
        recorded_held_out=changes.get("recorded_held_out", record_figures(made, challenger, held_out=True)),
    )


def record_figures(made: GateEvidence, challenger: Contender, *, held_out: bool) -> dict[str, float]:
    """What training writes of these scores."""
    fits = challenger.scores.shape == made.kinds.shape and (made.held_out == held_out)[~made.real].any()
    own = made.precision(challenger.scores, held_out=held_out) if fits else 0.5
    return {"model": own, "isolation_forest": 0.1, "ecod": 0.1}


def decide(challenger: Contender, before: Contender | None = None, **changes: Any) -> Decision:
    """The gate's decision on a challenger whose run recorded what is true."""
    reference = changes.pop("reference", ReferenceFigures(0.7, {"1": 0.7}))
    made = evidence(challenger, **changes)
    return gate.decide(challenger=challenger, champion=before, evidence=made, reference=reference)


GOOD, FAIR, STEADY = draw_scores(4.0), draw_scores(2.0, 2), draw_scores(3.0, 5)
PLANTED_ROWS = np.array([kind is not None for kind in KINDS])
ONE_ROW = np.arange(ROWS) == REAL + 3


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
        (contender(np.full(ROWS, 3.0), threshold=2.0), "constant scores"),
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
    place=st.integers(0, ROWS - 1),
    value=st.sampled_from([np.nan, np.inf, -np.inf]),
    before=st.sampled_from([None, champion(FAIR)]),
)
def test_scores_that_are_not_numbers_are_refused(place: int, value: float, before: Contender | None) -> None:
    """Wherever it stands."""
    scores = GOOD.copy()
    scores[place] = value
    assert not decide(contender(scores, threshold=2.5), before).accepted


MANY = np.array([None] * 2_000 + list(KINDS[REAL:]), dtype=object)
OWNERS = np.array((["octo/calm"] * 1_000 + ["octo/wild"] * 700 + ["octo/tiny"] * 300)[:2_000] + ["octo/calm"] * 136)


def flag(**counts: int) -> Any:
    """Flag so many of each repository's real rows, and every injected one."""
    flagged = np.array([kind is not None for kind in MANY])
    for name, count in counts.items():
        flagged[np.flatnonzero(f"octo/{name}" == OWNERS)[:count]] = True
    return flagged


def decide_flagged(flagged: Any, **changes: Any) -> Decision:
    """The decision on a sound model that flags these rows of three repositories."""
    scores = draw_scores(4.0, kinds=MANY)
    several: dict[str, Any] = {"kinds": MANY, "repositories": OWNERS, "additions": draw_scores(0.5, 99, MANY)}
    return decide(contender(scores, flagged=flagged, threshold=2.5), **(several | changes))


@pytest.mark.parametrize(
    ("counts", "rule", "named"),
    [
        ({"calm": 10, "wild": 7, "tiny": 3}, "first", ""),
        ({"calm": 20, "wild": 14, "tiny": 6}, "first", ""),
        ({"calm": 0, "wild": 7, "tiny": 3}, "first", ""),
        ({"calm": 0, "wild": 16, "tiny": 3}, "flags too much", "16 of 700 of octo/wild"),
        ({"calm": 5, "wild": 0, "tiny": 10}, "flags too much", "10 of 300 of octo/tiny"),
        ({"calm": 0, "wild": 16, "tiny": 10}, "flags too much", "10 of 300 of octo/tiny, 16 of 700 of octo/wild"),
    ],
)
def test_each_repository_is_held_to_the_budget(counts: dict[str, int], rule: str, named: str) -> None:
    """A repository that is flagged far beyond it refuses the model by name, though the share over all is right."""
    decision = decide_flagged(flag(**counts))
    assert (decision.rule, named in decision.reason) == (rule, True)


def test_a_repository_with_few_rows_is_not_judged_by_itself() -> None:
    """One more is judged."""
    owners = OWNERS.copy()
    owners[1_999] = "octo/calm"
    assert decide_flagged(flag(calm=5, tiny=12), repositories=owners).accepted
    assert not decide_flagged(flag(calm=5, tiny=12)).accepted


def test_a_repository_that_is_never_flagged_refuses_where_chance_does_not_explain_it() -> None:
    """Of two thousand at a budget of 2 %, forty are expected."""
    flagged = flag(calm=0, wild=24, tiny=6)
    owners = np.where(OWNERS == "octo/calm", "octo/silent", OWNERS)
    decision = decide(
        contender(draw_scores(4.0, kinds=MANY), flagged=flagged, threshold=2.5, alert_budget=0.02),
        kinds=MANY,
        repositories=owners,
        additions=draw_scores(0.5, 99, MANY),
    )
    assert (decision.accepted, decision.rule) == (False, "flags too little")
    assert "0 of 1000 of octo/silent" in decision.reason


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


@pytest.mark.parametrize(("days", "rule"), [(1, "first"), (1.01, "from the future"), (26_000, "from the future")])
def test_data_that_extend_into_the_future_are_refused(days: float, rule: str) -> None:
    """A date that never comes would make the model fresher for ever; clocks may differ by a day."""
    assert decide(contender(GOOD, data_until=NOW + timedelta(days=days))).rule == rule


def spread(rows: int, into: int) -> Any:
    """Repositories of so many rows each, none of which is judged by itself where they are few."""
    return np.array([f"octo/{place // into}" for place in range(rows)], dtype=object)


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


@pytest.mark.parametrize(
    ("rows", "budget", "count", "rule"),
    [
        (600, 0.01, 15, "first"),
        (600, 0.01, 16, "flags too much"),
        (600, 0.01, 1, "first"),
        (2_000, 0.01, 40, "first"),
        (2_000, 0.01, 41, "flags too much"),
        (600, 0.4, 300, "first"),
        (600, 0.4, 301, "flags too much"),
        (600, 0.05, 6, "first"),
        (600, 0.05, 5, "flags too little"),
    ],
)
def test_the_share_over_all_has_limits(rows: int, budget: float, count: int, rule: str) -> None:
    """Twice the budget, or what chance explains among few; never more than half; and a fifth at least."""
    kinds = np.array([None] * rows + list(KINDS[REAL:]), dtype=object)
    flagged = np.r_[np.arange(rows) < count, np.ones(len(kinds) - rows, bool)]
    judged = contender(draw_scores(4.0, kinds=kinds), flagged=flagged, threshold=2.5, alert_budget=budget)
    changes: dict[str, Any] = {"additions": draw_scores(0.5, 99, kinds), "repositories": spread(len(kinds), 200)}
    assert decide(judged, kinds=kinds, **changes).rule == rule


@pytest.mark.parametrize(
    ("counts", "accepted"),
    [
        ({"calm": 20}, True),
        ({"calm": 21}, False),
        ({"wild": 15}, True),
        ({"wild": 16}, False),
        ({"tiny": 9}, True),
        ({"tiny": 10}, False),
    ],
)
def test_each_repository_has_the_same_limits(counts: dict[str, int], accepted: bool) -> None:
    """Of a thousand, seven hundred and three hundred rows."""
    assert decide_flagged(flag(**counts)).accepted is accepted


@pytest.mark.parametrize(
    ("budget", "silent", "accepted"), [(0.02, 6, True), (0.02, 5, False), (0.1, 50, True), (0.1, 49, False)]
)
def test_a_repository_has_a_lower_limit_too(budget: float, silent: int, accepted: bool) -> None:
    """Half of its budget, or what chance explains."""
    rest = round(budget * 1_000)
    judged = contender(
        draw_scores(4.0, kinds=MANY), flagged=flag(calm=silent, wild=rest), threshold=2.5, alert_budget=budget
    )
    owners = np.where(OWNERS == "octo/tiny", "octo/wild", OWNERS)
    changes: dict[str, Any] = {"kinds": MANY, "repositories": owners, "additions": draw_scores(0.5, 99, MANY)}
    decision = decide(judged, **changes)
    assert (decision.accepted, decision.rule == "flags too little") == (accepted, not accepted)


def test_too_much_in_one_repository_is_said_before_too_little_in_another() -> None:
    """Alerts that nobody wants are worse."""
    owners = np.where(OWNERS == "octo/tiny", "octo/wild", OWNERS)
    judged = contender(draw_scores(4.0, kinds=MANY), flagged=flag(wild=60), threshold=2.5, alert_budget=0.02)
    changes: dict[str, Any] = {"kinds": MANY, "repositories": owners, "additions": draw_scores(0.5, 99, MANY)}
    assert decide(judged, **changes).rule == "flags too much"


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


@pytest.mark.parametrize(("tied", "rule"), [(ROWS // 2, "first"), (ROWS // 2 + 1, "constant scores")])
def test_half_of_the_rows_may_have_one_score(tied: int, rule: str) -> None:
    """Not more."""
    scores = GOOD.copy()
    scores[:tied] = -9.0
    threshold = float(np.quantile(scores[:REAL], 0.99))
    assert decide(contender(scores, threshold=threshold)).rule == rule


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


@pytest.mark.parametrize(("apart", "rule"), [(1e-7, "constant scores"), (1e-5, "first")])
def test_scores_that_differ_by_less_than_a_millionth_are_the_same(apart: float, rule: str) -> None:
    """Processors round differently."""
    scores = GOOD.copy()
    half = ROWS // 2 + 1
    scores[:half] = -9.0 + apart * (np.arange(half) % 4)
    threshold = float(np.quantile(scores[:REAL], 0.99))
    assert decide(contender(scores, threshold=threshold)).rule == rule


def test_a_repository_may_be_flagged_twice_as_often_as_its_budget() -> None:
    """Exactly."""
    one = np.full(len(MANY), "octo/one", dtype=object)
    flagged = np.array([kind is not None for kind in MANY])
    flagged[:40] = True
    assert decide_flagged(flagged, repositories=one).rule == "first"


def test_wrong_repositories_are_named_once_each_and_in_order() -> None:
    """However many rows they have."""
    kinds = np.array([None] * 2_400 + list(KINDS[REAL:]), dtype=object)
    owners = np.array([f"octo/{'hbdfacge'[place % 8]}" for place in range(len(kinds))], dtype=object)
    flagged = np.array(
        [kind is not None or (place < 240 and owners[place] < "octo/d") for place, kind in enumerate(kinds)]
    )
    judged = contender(draw_scores(4.0, kinds=kinds), flagged=flagged, threshold=2.5, alert_budget=0.04)
    decision = decide(judged, kinds=kinds, repositories=owners, additions=draw_scores(0.5, 99, kinds))
    named = ", ".join(f"30 of 300 of octo/{letter}" for letter in "abc")
    assert decision.reason == f"Flags too much: {named}, with a budget of 4.0%."


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
