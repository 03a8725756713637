"""Small models that learn from one pull request at a time, in bounded memory."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]


class HashedRegression:
    """Several targets, and how far off each will be, predicted from hashed tokens by AdaGrad (Duchi et al., 2011).

    Predict first, then update, so that no prediction has seen its own answer. Half of the columns predict the targets,
    the other half the logarithm of their usual error.
    """

    SLOTS = 1 << 14
    RATE = 0.1
    PACE = 0.0025
    SPREAD_WEIGHT = 0.25
    LEAST_ERROR = 0.1

    def __init__(self, targets: int) -> None:
        self.weights: Floats = np.zeros((self.SLOTS, 2 * targets), np.float32)
        self.gradients: Floats = np.ones((self.SLOTS, 2 * targets), np.float32)
        self.mean: Floats = np.zeros(2 * targets, np.float32)
        self.count = 0

    def surprise(self, tokens: Indices, targets: Floats) -> Floats:
        """Return how far each target lies above its prediction, in units of the error usual for such tokens."""
        middle, spread = self._predict(tokens)
        usual = self.mean[len(spread) :]
        error = np.exp(usual + self.SPREAD_WEIGHT * (spread - usual))
        surprise: Floats = np.divide(targets - middle, error, dtype=np.float32)
        return surprise

    def update(self, tokens: Indices, targets: Floats) -> None:
        """Learn one example."""
        self.count += 1
        middle, spread = self._predict(tokens)
        observed = np.concatenate([targets, np.log(np.abs(targets - middle) + self.LEAST_ERROR)])
        error = np.maximum(np.minimum(observed - np.concatenate([middle, spread]), 3.0), -3.0)
        self.mean += max(1.0 / self.count, self.PACE) * (observed - self.mean)
        self.gradients[tokens] += error * error
        self.weights[tokens] += self.RATE * error / np.sqrt(self.gradients[tokens])

    def _predict(self, tokens: Indices) -> tuple[Floats, Floats]:
        both: Floats = self.mean + np.add.reduce(self.weights[tokens], axis=0)
        return both[: len(both) // 2], both[len(both) // 2 :]


class RecentCounts:
    """How often each hashed thing was seen in the latest one to two thousand calls, or as many as `generation` says.

    Two generations take turns: the older one is forgotten where the newer one is full, so nothing grows with age.
    """

    GENERATION = 2_000

    def __init__(self, slots: int, generation: int = GENERATION, most: int = 65_535) -> None:
        kind = np.uint8 if most <= np.iinfo(np.uint8).max else np.uint16
        self.newer: NDArray[Any] = np.zeros(slots, kind)
        self.older: NDArray[Any] = np.zeros(slots, kind)
        self.newer_calls = 0
        self.older_calls = 0
        self._generation = generation
        self._most = np.iinfo(kind).max

    @property
    def calls(self) -> int:
        """The number of calls that are remembered."""
        return self.newer_calls + self.older_calls

    def count(self, things: Indices) -> NDArray[np.float64]:
        """Return how often each was seen."""
        places = things % len(self.newer)
        return self.newer[places] + self.older[places].astype(np.float64)

    def update(self, things: Indices) -> None:
        """Count each of them once."""
        places = np.unique(things % len(self.newer)) if len(things) > 1 else things % len(self.newer)
        seen = self.newer[places]
        self.newer[places] = seen + (seen < self._most)
        self.newer_calls += 1
        if self.newer_calls >= self._generation:
            self.older, self.older_calls = self.newer, self.newer_calls
            self.newer, self.newer_calls = np.zeros_like(self.older), 0

    def add(self, other: "RecentCounts") -> None:
        """Take in what another one remembers."""
        for mine, its in ((self.newer, other.newer), (self.older, other.older)):
            np.copyto(mine, np.minimum(mine.astype(np.int64) + its, self._most).astype(mine.dtype))
        self.newer_calls += other.newer_calls
        self.older_calls += other.older_calls


class Window:
    """The latest numbers, kept in order of size too, so that their quantiles cost nothing."""

    def __init__(self, most: int) -> None:
        self.latest: deque[float] = deque(maxlen=most)
        self._ordered: list[float] = []

    def append(self, value: float) -> None:
        """Take one in, and forget the oldest where there are too many."""
        if len(self.latest) == self.latest.maxlen:
            del self._ordered[bisect_left(self._ordered, self.latest[0])]
        self.latest.append(value)
        insort(self._ordered, value)

    def extend(self, values: Iterable[float]) -> None:
        """Take several in."""
        for value in values:
            self.append(value)

    def __len__(self) -> int:
        return len(self._ordered)

    def count_from(self, value: float) -> int:
        """Return how many are at least this large."""
        return len(self._ordered) - bisect_left(self._ordered, value)

    def quantile(self, share: float) -> float:
        """As `numpy.quantile` has it, to the last bit; there has to be one at least."""
        place = share * (len(self._ordered) - 1)
        low, part = self._ordered[int(place)], place % 1
        high = self._ordered[min(int(place) + 1, len(self._ordered) - 1)]
        return high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part  # noqa: PLR2004  a half


def arrays_to_bytes(arrays: dict[str, Any]) -> dict[str, Any]:
    """Numpy arrays as plain values that BSON knows: dtype, shape, bytes."""
    return {
        name: {"dtype": array.dtype.str, "shape": list(array.shape), "data": array.tobytes()}
        for name, array in arrays.items()
    }


def arrays_from_bytes(stored: dict[str, Any]) -> dict[str, Any]:
    """The arrays again, writable."""
    return {
        name: np.frombuffer(value["data"], value["dtype"]).reshape(value["shape"]).copy()
        for name, value in stored.items()
    }
