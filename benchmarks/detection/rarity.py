"""Truth of the statements that reasons make: how often what is called "one in N" really comes."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import poisson

from benchmarks.detection.metrics import Floats

FACTOR = 2.0
"""A statement is true if the real share is within this factor of the stated one."""
BIN_EDGES = (10, 30, 100, 300, 1_000)
"""Where bins of N begin; a last one holds all from 1,000 on."""
MIN_EXPECTED = 5.0
"""Pull requests that a statement has to expect before it can be confirmed, or refuted by their absence."""
CHANCE = 0.05
"""Where fewer are expected, a statement is false if so many would be found by chance at most this often, even if the
real share were FACTOR times the stated one."""
MIN_LATER = 300
"""A repository with fewer later pull requests is left out of the check."""

_RARITY = re.compile(r"\b(about|fewer than) one in ([\d,]+)|\b(none) of the latest ([\d,]+)")

_BOUND = re.compile(r"\b(\d+) % of the latest pull requests here change at most ([\d,]+) (line|file)s?\b")


class Bound(NamedTuple):
    """A statement that a share of the pull requests changes at most so many lines or files."""

    share: float
    number: float
    unit: str

    def holds(self, values: Floats) -> bool:
        """Return whether at most FACTOR times as many as stated exceed it, of the lines or files of later ones."""
        return bool((values > self.number).mean() <= FACTOR * (1 - self.share))


class Statement(NamedTuple):
    """What is said of one pull request by one feature: one in `number`, or fewer."""

    repository: str
    feature: str
    number: float
    fewer: bool

    @property
    def bin(self) -> int:
        """The place of its N among BIN_EDGES."""
        return int(np.searchsorted(BIN_EDGES, self.number, side="right"))


class Cell(NamedTuple):
    """Statements of one feature, repository and bin: how many later ones were expected and found to be so rare."""

    feature: str
    repository: str
    bin: int
    fewer: bool
    statements: int
    expected: float
    found: int


class Verdict(NamedTuple):
    """A cell with what decides it: `ratio` = found / expected, alone or pooled over repositories.

    `is_true`: None where even all repositories together are too few to tell.
    """

    cell: Cell
    pooled: bool
    ratio: float
    is_true: bool | None


def read_statement(words: str, repository: str, feature: str) -> Statement | None:
    """Read "about one in N", "fewer than one in N" or "none of the latest N" out of a reason; None without any."""
    found = _RARITY.search(words)
    if not found:
        return None
    form, number = (part for part in found.groups() if part)
    return Statement(repository, feature, float(number.replace(",", "")), form != "about")


def read_bound(words: str) -> Bound | None:
    """Read "99 % of the latest pull requests here change at most N lines" out of a reason; None without any."""
    found = _BOUND.search(words)
    return Bound(int(found[1]) / 100, float(found[2].replace(",", "")), found[3]) if found else None


def build_cells(statements: Iterable[Statement], later: Mapping[str, int]) -> list[Cell]:
    """Count, for each feature, repository and bin, the later pull requests at least as rare as the bin's first N.

    Args:
        statements: one for each later pull request and feature of which a rarity would be stated.
        later: how many later pull requests each repository has; those with fewer than MIN_LATER are left out.
    """
    groups: dict[tuple[str, str], list[Statement]] = {}
    for statement in statements:
        if later[statement.repository] >= MIN_LATER:
            groups.setdefault((statement.feature, statement.repository), []).append(statement)
    cells = []
    for (feature, repository), several in sorted(groups.items()):
        levels = np.array([_level(one) for one in several])
        for key, count in sorted(Counter((one.bin, one.fewer) for one in several).items()):
            first = min(_level(one) for one in several if (one.bin, one.fewer) == key)
            number = min(one.number for one in several if (one.bin, one.fewer) == key)
            found = int((levels >= first).sum())
            cells.append(Cell(feature, repository, *key, count, later[repository] / number, found))
    return cells


def judge(cells: Sequence[Cell]) -> list[Verdict]:
    """Decide each cell by itself, or, where it expects too few to tell, with those of the other repositories."""
    verdicts = [_verdict(cell, [cell]) for cell in cells]
    undecided = [verdict.cell for verdict in verdicts if verdict.is_true is None]
    return [
        verdict
        if verdict.is_true is not None
        else _verdict(
            verdict.cell,
            [one for one in undecided if _question(one) == _question(verdict.cell)],
        )
        for verdict in verdicts
    ]


def summarise(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the share of statements that are true among those that can be judged, over all and by feature."""
    features: dict[str, list[Verdict]] = {}
    for one in verdicts:
        features.setdefault(one.cell.feature, []).append(one)
    own = {
        name: _counts(several) | {"worst_ratio": max((one.ratio for one in several), key=_badness)}
        for name, several in features.items()
    }
    return _counts(verdicts) | {"features": own}


def is_true(statement: Statement, verdicts: Mapping[tuple[str, str, int, bool], Verdict]) -> bool | None:
    """Return the verdict on the statement's cell; None where it cannot be judged."""
    verdict = verdicts.get((statement.feature, statement.repository, statement.bin, statement.fewer))
    return None if verdict is None else verdict.is_true


def by_cell(verdicts: Iterable[Verdict]) -> dict[tuple[str, str, int, bool], Verdict]:
    """Return verdicts by feature, repository, bin and form."""
    return {(one.cell.feature, one.cell.repository, one.cell.bin, one.cell.fewer): one for one in verdicts}


def _level(statement: Statement) -> float:
    """Return the stated rarity; "fewer than" one in N is rarer than any "about"."""
    return float("inf") if statement.fewer else statement.number


def _question(cell: Cell) -> tuple[str, int, bool]:
    """Return what cells of several repositories have in common."""
    return cell.feature, cell.bin, cell.fewer


def _verdict(cell: Cell, pool: Sequence[Cell]) -> Verdict:
    expected, found = sum(one.expected for one in pool), sum(one.found for one in pool)
    ratio = found / expected
    truth: bool | None = ratio <= FACTOR and (cell.fewer or ratio >= 1 / FACTOR)
    if expected < MIN_EXPECTED:
        truth = False if poisson.sf(found - 1, FACTOR * expected) < CHANCE else None
    return Verdict(cell, len(pool) > 1, ratio, truth)


def _counts(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    counts: Counter[bool | None] = Counter()
    for one in verdicts:
        counts[one.is_true] += one.cell.statements
    judged = counts[True] + counts[False]
    return {
        "statements": judged + counts[None],
        "unjudged": counts[None],
        "true_share": counts[True] / judged if judged else None,
    }


def _badness(ratio: float) -> float:
    """Return the distance of a ratio from 1, in either direction, as a factor."""
    return max(ratio, 1 / max(ratio, 1e-9))
