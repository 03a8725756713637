"""Whether rarities are true: the newest rows are counted against what their ranks say of them."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from steps.scoring.arrays import Floats
from steps.scoring.rarity import RANKED, WINDOW_ROWS
from steps.train.data import Rows

LEVELS = (10, 30, 100, 300)
"""Rarities to check: one in so many."""
FACTOR = 2.0
"""By so much, stated and counted shares may differ."""
MIN_EXPECTED = 5.0
"""A level is checked where at least so many rows should reach it."""
CHANCE_DEVIATIONS = 2.0
"""So many standard deviations beyond the factor may be chance: unusual pull requests come in clusters."""
MIN_LATER = 300
"""A repository with fewer newest rows contradicts nothing."""
MIN_WINDOW = 100
MAX_FALSE_SHARE = 0.5
"""A feature is contradicted where more of its statements than this are false, and twice by chance at least."""
MIN_FALSE = 2


class Truth(NamedTuple):
    """How many statements about rarity rows can check, how many hold, and which features the rows contradict."""

    statements: int
    true: int
    contradicted: frozenset[str]


def statements(table_above: Floats, table_rows: Floats) -> Iterator[tuple[int, bool]]:
    """Yield each level that can be checked on rows of one repository, and whether what is said of it holds.

    A feature with few values says less often than it might that something is rare, which is not a lie.

    Args:
        table_above: how many of the remembered rows have at least the value [rows].
        table_rows: how many were remembered [rows].
    """
    enough = table_rows >= MIN_WINDOW
    shares = (table_above[enough] + 1.0) / (table_rows[enough] + 1.0)
    for level in LEVELS:
        able = table_rows[enough] + 1.0 >= level
        expected = float(able.sum()) / level
        if expected < MIN_EXPECTED:
            continue
        most = FACTOR * expected + CHANCE_DEVIATIONS * (FACTOR * expected) ** 0.5
        yield level, float((shares[able] <= 1.0 / level).sum()) <= most


def find_contradicted(later: Rows) -> set[str]:
    """Return the ranked features whose stated rarity the rows contradict, over all repositories."""
    return {name for name, verdicts in _check_features(later).items() if _is_contradicted(verdicts)}


def check_statements(later: Rows, left_out: Collection[str]) -> Truth:
    """Check what a model that leaves some ranked features out states of real rows."""
    found = {name: verdicts for name, verdicts in _check_features(later).items() if name not in left_out}
    every = [holds for verdicts in found.values() for holds in verdicts]
    contradicted = frozenset(name for name, verdicts in found.items() if _is_contradicted(verdicts))
    return Truth(len(every), sum(every), contradicted)


def _check_features(later: Rows) -> dict[str, list[bool]]:
    """Return of each ranked feature which of its statements hold, over the repositories with enough rows."""
    if WINDOW_ROWS not in later.table.column_names:
        return {}
    owners = np.asarray(later.repositories)
    remembered = later.table.column(WINDOW_ROWS).to_numpy().astype(float)
    places = [owners == owner for owner in sorted(set(later.repositories)) if (owners == owner).sum() >= MIN_LATER]
    found = {}
    for name in RANKED:
        above = later.table.column(f"{name}_above").to_numpy().astype(float)
        found[name] = [holds for own in places for _, holds in statements(above[own], remembered[own])]
    return found


def _is_contradicted(verdicts: list[bool]) -> bool:
    wrong = len(verdicts) - sum(verdicts)
    return wrong >= MIN_FALSE and wrong > MAX_FALSE_SHARE * len(verdicts)
