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
        """How far each target lies above its prediction, in units of the error that is usual for such tokens."""
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


class Counts:
    """How often each hashed thing was seen, with add-half smoothing."""

    COMMON = 2

    def __init__(self, slots: int) -> None:
        self.seen: NDArray[np.int32] = np.zeros(slots, np.int32)
        self.total = 0

    def of(self, things: Indices) -> NDArray[np.int32]:
        """How often each was seen."""
        return self.seen[things % len(self.seen)]

    def logs(self, counts: NDArray[np.int32]) -> NDArray[np.float64]:
        """The logarithm of the share of what was seen so often."""
        logs: NDArray[np.float64] = np.log((counts + 0.5) / (self.total + 1.0))
        return logs

    def odds(self, things: Indices, logs: NDArray[np.float64]) -> float:
        """How much more the things belong here than there, where `logs` are those of their shares.

        The mean log odds of those common here, in nats; 0 for none.
        """
        counts = self.of(things)
        gain = np.where(counts >= self.COMMON, np.maximum(self.logs(counts) - logs, 0.0), 0.0)
        return float(np.add.reduce(gain)) / (len(things) + 2.0)

    def add(self, other: "Counts") -> None:
        """Take in what another one has counted."""
        self.seen += other.seen
        self.total += other.total

    def update(self, things: Indices) -> None:
        """Count each of them once; `total` counts calls."""
        self.seen[np.unique(things % len(self.seen))] += 1
        self.total += 1


def unseen(counts: NDArray[np.int32]) -> float:
    """Share of the things never seen before; 0 for none."""
    return float(len(counts) - np.count_nonzero(counts)) / len(counts) if len(counts) else 0.0


def rarity(logs: NDArray[np.float64]) -> float:
    """Mean of -log p over some things, in nats; 0 for none."""
    return float(-np.add.reduce(logs)) / len(logs) if len(logs) else 0.0


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
