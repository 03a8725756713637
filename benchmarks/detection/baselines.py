"""Detectors from the textbooks, on the same features as the model and fitted to the same past."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks.detection import product
from benchmarks.detection.metrics import Bools, Floats

FITTED_ROWS = 50_000
NEIGHBOUR_ROWS = 10_000
HIDDEN = (16, 8, 16)
EPOCHS = 15
SIGMAS = 2.0
MIN_SPREAD = 1e-9
KEPT_VARIANCE = 0.999
"""PCA divides by the variance of each component; those of next to none would drown the others."""

Scorer = Callable[[Floats], Floats]
ByRepository = Callable[[Floats, Sequence[str]], Floats]


class Detector(Protocol):
    """The interface of PyOD's detectors that is used here."""

    def decision_function(self, rows: Floats) -> Floats:
        """Return a score for each row."""


@dataclass(frozen=True)
class Fitted:
    """Detectors by name, which score features [rows, features] of repositories; more unusual is higher.

    `limit` is the plain autoencoder's own threshold: mean + 2 standard deviations of its errors on its training rows.
    """

    scorers: dict[str, ByRepository]
    limit: float


def fit(features: Floats, repositories: Sequence[str], seed: int) -> Fitted:
    """Fit all of them to the features [rows, features] of the past, scaled by repository as the model's own are."""
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from pyod.models.pca import PCA

    scale = product.fit_scales(features, repositories)
    random = np.random.default_rng(seed)
    past = scale(features, repositories)[random.permutation(len(features))[:FITTED_ROWS]]
    varying = past.std(axis=0) > MIN_SPREAD
    past = past[:, varying]
    detectors = {
        "isolation_forest": IForest(n_estimators=200, random_state=seed).fit(past),
        "ecod": ECOD().fit(past),
        "knn": KNN(n_neighbors=10).fit(past[:NEIGHBOUR_ROWS]),
        "pca": PCA(n_components=KEPT_VARIANCE, svd_solver="full", random_state=seed).fit(past),
    }
    plain, limit = _autoencoder(features[:FITTED_ROWS], seed)
    scorers = {name: _on_scaled(scale, varying, detector) for name, detector in detectors.items()}
    return Fitted({**scorers, "plain_autoencoder": lambda rows, _: plain(rows)}, limit)


def _on_scaled(scale: ByRepository, varying: Bools, detector: Detector) -> ByRepository:
    return lambda rows, names: np.asarray(detector.decision_function(scale(rows, names)[:, varying]), float)


def _autoencoder(features: Floats, seed: int) -> tuple[Scorer, float]:
    """The original method: standardise, compress and restore, and take the mean squared error."""
    from sklearn.neural_network import MLPRegressor

    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9

    def scale(rows: Floats) -> Floats:
        scaled: Floats = (rows - mean) / spread
        return scaled

    network = MLPRegressor(hidden_layer_sizes=HIDDEN, batch_size=256, max_iter=EPOCHS, tol=0.0, random_state=seed)
    past = scale(features)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stops after EPOCHS on purpose
        network.fit(past, past)

    def errors(rows: Floats) -> Floats:
        scaled = scale(rows)
        return np.asarray(((scaled - network.predict(scaled)) ** 2).mean(axis=1))

    own = errors(past)
    return errors, float(own.mean() + SIGMAS * own.std())
