"""What is said of rarity is counted against later rows, and features that lie are left out."""

import numpy as np
import pyarrow as pa
import pytest

from steps.scoring.rarity import ABOVE, RANKED, WINDOW_ROWS
from steps.train.data import Rows
from steps.train.truth import find_contradicted, statements

ROWS = 4_000


def honest(seed: int) -> np.ndarray:
    """Ranks of values that come as before."""
    return np.random.default_rng(seed).integers(0, 1_001, ROWS).astype(float)


def drifting(seed: int) -> np.ndarray:
    """Ranks of values that grow with time, so that the later ones are ever higher."""
    return np.round(honest(seed) * 0.2)


def rows(lying: set[str]) -> Rows:
    """Later rows of two repositories."""
    columns = {
        above: drifting(place) if name in lying else honest(place)
        for place, (name, above) in enumerate(zip(RANKED, ABOVE, strict=True))
    }
    table = pa.table({WINDOW_ROWS: np.full(ROWS, 1_000.0), **columns})
    return Rows(table, ["a/b", "c/d"] * (ROWS // 2), np.zeros((ROWS, 0)))


def test_features_that_come_as_before_are_kept() -> None:
    """What they say holds within a factor of two."""
    assert find_contradicted(rows(set())) == set()


@pytest.mark.parametrize("name", [RANKED[0], RANKED[-1]])
def test_a_feature_whose_values_drift_is_left_out(name: str) -> None:
    """One in ten would be said of half of all rows."""
    assert find_contradicted(rows({name})) == {name}


def test_statements_are_checked_where_there_is_enough_to_count() -> None:
    """One in a hundred can't be checked on fifty rows, nor where little was remembered."""
    assert [level for level, _ in statements(np.zeros(60), np.full(60, 1_000.0))] == [10]
    assert list(statements(np.zeros(600), np.full(600, 50.0))) == []


def test_a_feature_that_is_seldom_anything_does_not_lie() -> None:
    """Its ties keep it from claiming as much as it might."""
    assert all(holds for _, holds in statements(np.full(900, 1_000.0), np.full(900, 1_000.0)))
