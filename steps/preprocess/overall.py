"""One history over all repositories, for pull requests of one that has none of its own."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from steps.scoring.history import History
from steps.scoring.online import HashedRegression
from steps.scoring.rarity import WINDOW

_COUNTS = (
    *(("vocabulary", name) for name in ("titles", "bodies", "paths", "words", "content", "path_words", "pairs")),
    *(("tracks", name) for name in ("folders", "extensions", "names")),
)
_REGRESSIONS = ("sizes", "commits")
_WINDOWS = ("recent_lines", "recent_files")


def overall(histories: Iterable[History]) -> History:
    """Add histories up, one at a time.

    Counts are summed, as far as they go, and regressions averaged by how much they have learned. Authors, ranks and the
    last day are left out: they mean nothing elsewhere.
    """
    whole = History()
    sizes: dict[str, list[NDArray[np.float64]]] = {name: [np.empty(0)] for name in _WINDOWS}
    for history in histories:
        whole.seen += history.seen
        mine, its = whole.authors, history.authors
        mine.hours = [one + other - 1.0 for one, other in zip(mine.hours, its.hours, strict=True)]
        whole.promises.extend(history.promises)
        for part, name in _COUNTS:
            getattr(getattr(whole, part), name).add(getattr(getattr(history, part), name))
        whole.vocabulary.elsewhere.add(history.vocabulary.elsewhere)
        for name in _REGRESSIONS:
            _join(getattr(whole, name), getattr(history, name))
        for name, kept in sizes.items():
            kept.append(np.array(getattr(history, name).latest))
    for name, parts in sizes.items():
        together = np.concatenate(parts)
        kept_rows = min(len(together), WINDOW)
        places = np.linspace(0, len(together) - 1, kept_rows).round().astype(int)
        getattr(whole, name).extend(together[places].tolist())
    return whole


def _join(one: HashedRegression, other: HashedRegression) -> None:
    """Move `one` to the weighted mean of both."""
    one.count += other.count
    share = np.float32(other.count / max(one.count, 1))
    for mine, its in ((one.weights, other.weights), (one.gradients, other.gradients), (one.mean, other.mean)):
        np.add(mine, share * (its - mine), out=mine)
