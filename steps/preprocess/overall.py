"""One history over all repositories, for pull requests of one that has none of its own."""

from collections.abc import Iterable

import numpy as np

from steps.scoring.history import RECENT_SIZES, History
from steps.scoring.online import HashedRegression

_COUNTS = ("titles", "bodies", "forms", "elsewhere")
_REGRESSIONS = ("sizes", "commits")


def overall(histories: Iterable[History]) -> History:
    """Add histories up, one at a time.

    Counts are summed and regressions averaged by how much they have learned. Authors and the last day are left out:
    they mean nothing elsewhere.
    """
    whole, sizes = History(), [np.empty(0)]
    for history in histories:
        whole.seen += history.seen
        whole.empty_bodies += history.empty_bodies
        whole.little = [one + other for one, other in zip(whole.little, history.little, strict=True)]
        whole.hours = [one + other - 1.0 for one, other in zip(whole.hours, history.hours, strict=True)]
        for name in _COUNTS:
            getattr(whole, name).add(getattr(history, name))
        for name in _REGRESSIONS:
            _join(getattr(whole, name), getattr(history, name))
        sizes.append(np.array(history.recent_sizes.latest))
    together = np.concatenate(sizes)
    kept = min(len(together), RECENT_SIZES)
    whole.recent_sizes.extend(together[np.linspace(0, len(together) - 1, kept).round().astype(int)].tolist())
    return whole


def _join(one: HashedRegression, other: HashedRegression) -> None:
    """Move `one` to the weighted mean of both."""
    one.count += other.count
    share = np.float32(other.count / max(one.count, 1))
    for mine, its in ((one.weights, other.weights), (one.gradients, other.gradients), (one.mean, other.mean)):
        np.add(mine, share * (its - mine), out=mine)
