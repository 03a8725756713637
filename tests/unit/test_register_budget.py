"""The gate holds a model to its budget of alerts, over all and in each repository."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from steps.register.evidence import Decision
from tests.support.contenders import KINDS, REAL, contender, decide, draw_scores, spread


def test_few_real_rows_may_all_be_usual() -> None:
    """With 75 real rows and a budget of 1 % no real one needs to be flagged, if planted ones are."""
    kinds = np.array([None] * 75 + ["kind"] * 18, dtype=object)
    scores = draw_scores(4.0, kinds=kinds)
    usual = contender(scores, threshold=float(scores[:75].max()))
    small = {"kinds": kinds, "additions": draw_scores(0.0, 9, kinds)}
    assert decide(usual, **small).accepted
    assert decide(replace(usual, threshold=99.0), **small).rule == "flags too little"


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
