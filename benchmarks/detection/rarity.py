"""Truth of the statements that reasons make: how often what is called "one in N" really comes."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

FACTOR = 2.0
"""A statement is true if the real share is within this factor of the stated one."""
BIN_EDGES = (10, 30, 100, 300, 1_000)
"""Where bins of N begin; a last one holds all from 1,000 on."""
MIN_EXPECTED = 5.0
"""Pull requests that a statement has to expect before a repository alone can confirm or refute it."""
MIN_LATER = 300
"""A repository with fewer later pull requests is left out of the check."""

_RARITY = re.compile(r"\b(about|fewer than) one in ([\d,]+)")


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
    """A cell with the share that decides it, `ratio` = found / expected, after pooling over `pooled`."""

    cell: Cell
    pooled: str
    ratio: float
    is_true: bool


def read_statement(words: str, repository: str, feature: str) -> Statement | None:
    """Read "about one in N" or "fewer than one in N" out of a reason; None where it says neither."""
    found = _RARITY.search(words)
    if not found:
        return None
    return Statement(repository, feature, float(found.group(2).replace(",", "")), found.group(1) == "fewer than")


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
    """Decide each cell by itself, or, where too few are expected to tell, with its like.

    Cells that expect fewer than MIN_EXPECTED are pooled over repositories, then over features too.
    """
    verdicts, small = [], []
    for cell in cells:
        if cell.expected >= MIN_EXPECTED:
            verdicts.append(_verdict(cell, [cell], "alone"))
        else:
            small.append(cell)
    for cell in small:
        like = [one for one in small if one[2:4] == cell[2:4]]
        own = [one for one in like if one.feature == cell.feature]
        enough = sum(one.expected for one in own) >= MIN_EXPECTED
        verdicts.append(_verdict(cell, own if enough else like, "repositories" if enough else "features"))
    return verdicts


def summarise(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the share of statements, and of cells, that are true, and each feature's share and worst ratio."""
    total = sum(one.cell.statements for one in verdicts)
    features: dict[str, list[Verdict]] = {}
    for one in verdicts:
        features.setdefault(one.cell.feature, []).append(one)
    return {
        "statements": total,
        "true_share": _true_statements(verdicts) / total if total else None,
        "cells": len(verdicts),
        "true_cells_share": sum(one.is_true for one in verdicts) / len(verdicts) if verdicts else None,
        "features": {
            name: {
                "statements": sum(one.cell.statements for one in own),
                "true_share": _true_statements(own) / sum(one.cell.statements for one in own),
                "worst_ratio": max((one.ratio for one in own), key=lambda ratio: max(ratio, 1 / max(ratio, 1e-9))),
            }
            for name, own in features.items()
        },
    }


def is_true(statement: Statement, verdicts: Mapping[tuple[str, str, int, bool], Verdict]) -> bool | None:
    """Return the verdict on the statement's cell; None where its repository is too small to be judged."""
    verdict = verdicts.get((statement.feature, statement.repository, statement.bin, statement.fewer))
    return None if verdict is None else verdict.is_true


def by_cell(verdicts: Iterable[Verdict]) -> dict[tuple[str, str, int, bool], Verdict]:
    """Return verdicts by feature, repository, bin and form."""
    return {(one.cell.feature, one.cell.repository, one.cell.bin, one.cell.fewer): one for one in verdicts}


def _level(statement: Statement) -> float:
    """How rare it is; "fewer than" one in N is rarer than any "about"."""
    return float("inf") if statement.fewer else statement.number


def _verdict(cell: Cell, pool: Sequence[Cell], pooled: str) -> Verdict:
    ratio = sum(one.found for one in pool) / sum(one.expected for one in pool)
    return Verdict(cell, pooled, ratio, ratio <= FACTOR and (cell.fewer or ratio >= 1 / FACTOR))


def _true_statements(verdicts: Iterable[Verdict]) -> int:
    return sum(one.cell.statements for one in verdicts if one.is_true)
