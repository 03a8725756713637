"""Small models that learn from one pull request at a time, in bounded memory."""

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
        surprise: Floats = ((targets - middle) / np.exp(usual + self.SPREAD_WEIGHT * (spread - usual))).astype(
            np.float32
        )
        return surprise

    def update(self, tokens: Indices, targets: Floats) -> None:
        """Learn one example."""
        self.count += 1
        middle, spread = self._predict(tokens)
        observed = np.concatenate([targets, np.log(np.abs(targets - middle) + self.LEAST_ERROR)])
        error = np.clip(observed - np.concatenate([middle, spread]), -3.0, 3.0)
        self.mean += max(1.0 / self.count, self.PACE) * (observed - self.mean)
        self.gradients[tokens] += error * error
        self.weights[tokens] += self.RATE * error / np.sqrt(self.gradients[tokens])

    def _predict(self, tokens: Indices) -> tuple[Floats, Floats]:
        both: Floats = self.mean + self.weights[tokens].sum(axis=0)
        return both[: len(both) // 2], both[len(both) // 2 :]


class Counts:
    """How often each hashed thing was seen, with add-half smoothing."""

    COMMON = 2

    def __init__(self, slots: int) -> None:
        self.seen: NDArray[np.int32] = np.zeros(slots, np.int32)
        self.total = 0

    def rarity(self, things: Indices) -> float:
        """Mean of -log p over the things, in nats; 0 for none."""
        if not len(things):
            return 0.0
        share = (self.seen[things % len(self.seen)] + 0.5) / (self.total + 1.0)
        return float(-np.log(np.minimum(share, 1.0)).mean())

    def unseen(self, things: Indices) -> float:
        """Share of the things never seen before; 0 for none."""
        return float((self.seen[things % len(self.seen)] == 0).mean()) if len(things) else 0.0

    def odds(self, things: Indices, elsewhere: "Counts") -> float:
        """How much more the things belong elsewhere than here: mean log odds of those common there, in nats."""
        if not len(things):
            return 0.0
        there = elsewhere.seen[things % len(elsewhere.seen)]
        log_there = np.log((there + 0.5) / (elsewhere.total + 1.0))
        log_here = np.log((self.seen[things % len(self.seen)] + 0.5) / (self.total + 1.0))
        gain = np.where(there >= self.COMMON, np.maximum(log_there - log_here, 0.0), 0.0)
        return float(gain.sum() / (len(things) + 2.0))

    def add(self, other: "Counts") -> None:
        """Take in what another one has counted."""
        self.seen += other.seen
        self.total += other.total

    def update(self, things: Indices) -> None:
        """Count each of them once; `total` counts calls."""
        self.seen[np.unique(things % len(self.seen))] += 1
        self.total += 1


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
