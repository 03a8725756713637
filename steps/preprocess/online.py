"""Small models that learn from one pull request at a time, in bounded memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]


class HashedRegression:
    """Several targets predicted from hashed tokens; learns by AdaGrad (Duchi et al., 2011) and knows its own spread.

    Predict first, then update, so that no prediction has seen its own answer.
    """

    SLOTS = 1 << 14
    RATE = 0.25
    MEMORY = 0.01

    def __init__(self, targets: int) -> None:
        self.weights: Floats = np.zeros((self.SLOTS, targets), np.float32)
        self.gradients: Floats = np.full((self.SLOTS, targets), 1.0, np.float32)
        self.mean: Floats = np.zeros(targets, np.float32)
        self.spread: Floats = np.ones(targets, np.float32)
        self.count = 0

    def surprise(self, tokens: Indices, targets: Floats) -> Floats:
        """How far each target lies above its prediction, in units of the usual distance."""
        return (targets - self._predict(tokens)) / (self.spread + 0.1)

    def update(self, tokens: Indices, targets: Floats) -> None:
        """Learn one example."""
        self.count += 1
        error = targets - self._predict(tokens)
        pace = max(1.0 / self.count, self.MEMORY / 4)
        self.mean += pace * (targets - self.mean)
        self.spread += max(1.0 / (self.count + 10), self.MEMORY / 4) * (np.abs(error) - self.spread)
        clipped = np.clip(error, -3.0, 3.0)
        self.gradients[tokens] += clipped * clipped
        self.weights[tokens] += self.RATE * clipped / np.sqrt(self.gradients[tokens])

    def _predict(self, tokens: Indices) -> Floats:
        prediction: Floats = self.mean + self.weights[tokens].sum(axis=0)
        return prediction


class Counts:
    """How often each hashed thing was seen, with add-half smoothing."""

    def __init__(self, slots: int) -> None:
        self.seen: NDArray[np.int32] = np.zeros(slots, np.int32)
        self.total = 0

    def rarity(self, things: Indices) -> float:
        """Mean of −log p over the things, in nats; 0 for none."""
        if not len(things):
            return 0.0
        share = (self.seen[things % len(self.seen)] + 0.5) / (self.total + 1.0)
        return float(-np.log(np.minimum(share, 1.0)).mean())

    def unseen(self, things: Indices) -> float:
        """Share of the things never seen before; 0 for none."""
        return float((self.seen[things % len(self.seen)] == 0).mean()) if len(things) else 0.0

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
