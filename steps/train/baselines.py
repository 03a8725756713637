"""What a user would pick instead: the lines added, IsolationForest and ECOD, on the same scaled features."""

from collections.abc import Callable

import numpy as np

from steps.scoring.arrays import Floats

FITTED_ROWS = 50_000

Scorer = Callable[[Floats], Floats]


def fit(scaled: Floats, seed: int) -> dict[str, Scorer]:
    """Fit on scaled features [rows, features] of the normal past; what is more unusual gets a higher score."""
    from pyod.models.ecod import ECOD
    from sklearn.ensemble import IsolationForest

    past = scaled[:FITTED_ROWS]
    forest = IsolationForest(n_estimators=200, random_state=seed, n_jobs=-1).fit(past)
    ecod = ECOD().fit(past)
    return {
        "isolation_forest": lambda rows: -forest.score_samples(rows),
        "ecod": lambda rows: np.asarray(ecod.decision_function(rows)),
    }
