"""One history of all repositories together, for pull requests of a repository without a history."""

from collections.abc import Iterable

import numpy as np

from steps.scoring.history import RECENT_SIZES, History
from steps.scoring.online import HashedRegression

_COUNTS = ("titles", "bodies", "forms", "elsewhere")
_REGRESSIONS = ("sizes", "commits")


def merge_histories(histories: Iterable[History]) -> History:
    """Merge histories, one at a time.

    Counts are added, and regressions are averaged by the number of examples they have seen. Authors and the last day
    are left out, because they mean nothing in another repository.
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
            _merge_regressions(getattr(whole, name), getattr(history, name))
        sizes.append(np.array(history.recent_sizes.latest))
    all_sizes = np.concatenate(sizes)
    kept = min(len(all_sizes), RECENT_SIZES)
    whole.recent_sizes.extend(all_sizes[np.linspace(0, len(all_sizes) - 1, kept).round().astype(int)].tolist())
    return whole


def _merge_regressions(one: HashedRegression, other: HashedRegression) -> None:
    """Set `one` to the weighted mean of both."""
    one.count += other.count
    share = np.float32(other.count / max(one.count, 1))
    for mine, its in ((one.weights, other.weights), (one.gradients, other.gradients), (one.mean, other.mean)):
        np.add(mine, share * (its - mine), out=mine)
