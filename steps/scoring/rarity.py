"""How rare a value is: its rank among the repository's latest, blended with how rare it is in ordinary repositories.

A rank in a moving window cannot drift with the age of a history, and stays true where the repository changes.
"""

from collections.abc import Mapping
from math import log10
from typing import Any

import numpy as np

from steps.scoring.online import Window
from steps.scoring.prior import Curve, load_prior_curves

WINDOW = 1_000
"""Pull requests whose values are remembered."""
PRIOR_ROWS = 300
"""The prior weighs as much as this many rows: from there on the repository's own latest decide."""
OWN_WEIGHT = 0.5
FULL_ROWS = 500
BOUNDED_PRIOR_ROWS = 20
_DECIMALS = 6

RANKED: tuple[str, ...] = (
    "size_surprise",
    "files_surprise",
    "spread_surprise",
    "net_deletions",
    "silent_deletions",
    "deleted_tests",
    "commits_surprise",
    "commits_for_lines",
    "small_promise",
    "docs_promise",
    "insider_sweep",
    "new_folders",
    "unnamed_files",
    "new_extensions",
    "new_binaries",
    "foreign_text",
    "near_duplicates",
    "newcomers_hour",
    "low_effort",
    "polished_text",
    "bot_impersonation",
    "sensitive_files",
)
"""The features that are ranked; high values are the unusual ones."""

BY_STRANGERS = frozenset(("low_effort", "polished_text", "bot_impersonation", "sensitive_files"))
"""Of these a repository may see whole waves, which must not make them ordinary: the prior keeps half of the weight."""
GRADED = frozenset(("low_effort", "sensitive_files"))
"""Every repository has some of these, so the first of a kind counts as one in a window at least, whatever the prior
claims; of the other two most have none."""

RARITIES: tuple[str, ...] = tuple(f"{name}_rarity" for name in RANKED)
"""Columns of rarities, in powers of ten."""
ABOVE: tuple[str, ...] = tuple(f"{name}_above" for name in RANKED)
"""Columns of plain ranks: how many of the latest have at least this value."""
WINDOW_ROWS = "window_rows"
"""Column of how many are remembered."""


class RarityWindows:
    """The latest values of each ranked feature."""

    def __init__(self, curves: Mapping[str, Curve] | None = None) -> None:
        """Start with none; `curves` replace those that come with the code."""
        self.windows = {name: Window(WINDOW) for name in RANKED}
        self._curves = curves

    def features(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the rarity of each value, and its plain rank."""
        curves = self._curves or load_prior_curves()
        rows = len(self.windows[RANKED[0]])
        found: dict[str, float] = {WINDOW_ROWS: rows}
        for name, rarity_name, above_name in zip(RANKED, RARITIES, ABOVE, strict=True):
            value = round(values[name], _DECIMALS)
            above = self.windows[name].count_from(value)
            found[above_name] = above
            if name in BY_STRANGERS:
                least = 1.0 / WINDOW if name in GRADED else 0.0
                found[rarity_name] = blend_bounded(curves[name], value, above, rows, least)
            else:
                found[rarity_name] = blend(curves[name], value, above, rows)
        return found

    def update(self, values: Mapping[str, float]) -> None:
        """Remember the values of one pull request."""
        for name, window in self.windows.items():
            window.append(round(values[name], _DECIMALS))

    def to_array(self) -> Any:
        """Return the values [features, rows], the oldest first."""
        return np.array([list(window.latest) for window in self.windows.values()], np.float64)

    def from_array(self, stored: Any) -> None:
        """Take over what `to_array` returned."""
        for window, values in zip(self.windows.values(), stored.tolist(), strict=True):
            window.extend(values)


def blend(curve: Curve, value: float, above: int, rows: int) -> float:
    """Return the rarity of a value, as -log10 of a share; with many rows, the prior hardly counts.

    Args:
        curve: of ordinary repositories.
        value: the value.
        above: how many of the latest `rows` here have at least this value.
        rows: how many are remembered.
    """
    prior = 10.0 ** curve.log_share(value)
    return -log10((above + PRIOR_ROWS * prior) / (rows + PRIOR_ROWS))


def blend_bounded(curve: Curve, value: float, above: int, rows: int, least: float) -> float:
    """Return the same, but let the prior keep half of the weight, in powers of ten, however many rows there are.

    Args:
        curve: of ordinary repositories.
        value: the value.
        above: how many of the latest `rows` here have at least this value.
        rows: how many are remembered.
        least: share that the prior expects at least among the rows here.
    """
    prior_log = curve.log_share(value)
    own = (above + BOUNDED_PRIOR_ROWS * max(10.0**prior_log, least)) / (rows + BOUNDED_PRIOR_ROWS)
    weight = OWN_WEIGHT * min(rows / FULL_ROWS, 1.0)
    return -(weight * log10(own) + (1.0 - weight) * prior_log)
