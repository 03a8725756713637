"""Two services to compare, whose models judge alike but for what is changed."""

from dataclasses import replace
from typing import Any

import numpy as np

from rollouts.checks import behaviour
from rollouts.checks.behaviour import Side
from rollouts.checks.verdict import CheckVerdict

REAL, INJECTED = 400, 80
IDS = [f"owner/name#{number}" for number in range(REAL + INJECTED)]
IS_INJECTED = np.arange(REAL + INJECTED) >= REAL
THRESHOLD = 6.0
DIGEST, ANOTHER = "c" * 64, "a" * 64


def side(address: str, digest: str, noise: float, **changes: Any) -> Side:
    """A service whose scores are those of all, up to some noise; most injected ones are over the threshold."""
    random = np.random.default_rng(5)
    scores = random.gamma(4, 0.6, REAL + INJECTED) + np.where(IS_INJECTED, 4, 0)
    scores = scores + noise * np.random.default_rng(len(address)).normal(size=len(scores))
    known = np.ones(len(scores), bool)
    return replace(Side(address, digest, scores, scores > THRESHOLD, known), **changes)


CANDIDATE, ACTIVE = side("http://preview", DIGEST, 0.1), side("http://active", ANOTHER, 0.0)
NONE, ALL = np.zeros(REAL + INJECTED, bool), np.ones(REAL + INJECTED, bool)
EIGHTH, THIRD = (np.arange(REAL + INJECTED) % each == 0 for each in (8, 3))


def verdict(candidate: Side = CANDIDATE, active: Side = ACTIVE, **changes: Any) -> CheckVerdict:
    """Of a good pair, but for what is changed."""
    given: dict[str, Any] = {"ids": IDS, "injected": IS_INJECTED, "expected": DIGEST} | changes
    return behaviour.judge(candidate, active, **given)
