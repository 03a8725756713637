"""One history of all repositories together, for pull requests of a repository without a history."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from steps.scoring.history import COUNTS, REGRESSIONS, WINDOWS, History
from steps.scoring.online import HashedRegression
from steps.scoring.rarity import WINDOW


def merge_histories(histories: Iterable[History]) -> History:
    """Merge histories, one at a time.

    Counts are added, and regressions are averaged by the number of examples they have seen. Authors, ranks, the
    newest number and the last day are left out, because they mean nothing in another repository.
    """
    whole = History()
    sizes: dict[str, list[NDArray[np.float64]]] = {name: [np.empty(0)] for name in WINDOWS}
    for history in histories:
        whole.seen += history.seen
        mine, its = whole.authors, history.authors
        mine.hours = [one + other - 1.0 for one, other in zip(mine.hours, its.hours, strict=True)]
        whole.promises.extend(history.promises)
        for part, name in COUNTS:
            getattr(getattr(whole, part), name).add(getattr(getattr(history, part), name))
        whole.vocabulary.elsewhere.add(history.vocabulary.elsewhere)
        for name in REGRESSIONS:
            _merge_regressions(getattr(whole, name), getattr(history, name))
        for name, kept in sizes.items():
            kept.append(np.array(getattr(history, name).latest))
    for name, parts in sizes.items():
        together = np.concatenate(parts)
        kept_rows = min(len(together), WINDOW)
        places = np.linspace(0, len(together) - 1, kept_rows).round().astype(int)
        getattr(whole, name).extend(together[places].tolist())
    return whole


def _merge_regressions(one: HashedRegression, other: HashedRegression) -> None:
    """Set `one` to the weighted mean of both."""
    one.count += other.count
    share = np.float32(other.count / max(one.count, 1))
    for mine, its in ((one.weights, other.weights), (one.gradients, other.gradients), (one.mean, other.mean)):
        np.add(mine, share * (its - mine), out=mine)
