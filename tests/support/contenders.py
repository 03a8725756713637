"""Models with scores, and what their runs recorded, for the gate to decide on: sound but for what is changed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

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


def spread(rows: int, into: int) -> Any:
    """Repositories of so many rows each, none of which is judged by itself where they are few."""
    return np.array([f"octo/{place // into}" for place in range(rows)], dtype=object)
