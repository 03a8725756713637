"""The gate says yes to a sound first model, and no to an unsound one by name, whatever there was before."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.register.evidence import Contender
from tests.support.contenders import FAIR, GOOD, NOW, REAL, ROWS, champion, contender, decide, draw_scores


def test_a_sound_first_model_is_accepted() -> None:
    """Without a champion, being sound and above the floor is enough."""
    decision = decide(contender(GOOD))
    assert (decision.accepted, decision.rule) == (True, "first")
    assert decision.reason.startswith("First: average precision 0.")


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


@pytest.mark.parametrize(("days", "rule"), [(1, "first"), (1.01, "from the future"), (26_000, "from the future")])
def test_data_that_extend_into_the_future_are_refused(days: float, rule: str) -> None:
    """A date that never comes would make the model fresher for ever; clocks may differ by a day."""
    assert decide(contender(GOOD, data_until=NOW + timedelta(days=days))).rule == rule


@pytest.mark.parametrize(("tied", "rule"), [(ROWS // 2, "first"), (ROWS // 2 + 1, "constant scores")])
def test_half_of_the_rows_may_have_one_score(tied: int, rule: str) -> None:
    """Not more."""
    scores = GOOD.copy()
    scores[:tied] = -9.0
    threshold = float(np.quantile(scores[:REAL], 0.99))
    assert decide(contender(scores, threshold=threshold)).rule == rule


@pytest.mark.parametrize(("apart", "rule"), [(1e-7, "constant scores"), (1e-5, "first")])
def test_scores_that_differ_by_less_than_a_millionth_are_the_same(apart: float, rule: str) -> None:
    """Processors round differently."""
    scores = GOOD.copy()
    half = ROWS // 2 + 1
    scores[:half] = -9.0 + apart * (np.arange(half) % 4)
    threshold = float(np.quantile(scores[:REAL], 0.99))
    assert decide(contender(scores, threshold=threshold)).rule == rule
