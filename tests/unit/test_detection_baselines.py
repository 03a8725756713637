"""The alternatives are given a fair chance: finite scores, on features as they really come."""

import numpy as np

from benchmarks.detection import baselines

REPOSITORIES = ["owner/here", "owner/there"] * 400


def test_constant_and_repeated_features_spoil_no_detector() -> None:
    """A feature that never varies, or says the same as another, must not make every score infinite or equal."""
    random = np.random.default_rng(4)
    features = random.normal(size=(800, 6))
    features[:, 1] = 3.0
    features[:, 2] = features[:, 0]
    fitted = baselines.fit(features, REPOSITORIES, seed=1)
    strange = np.vstack([features[:50], features[:1] + 12.0])
    assert fitted.scorers.keys() == {"isolation_forest", "ecod", "knn", "pca", "plain_autoencoder"}
    for name, scorer in fitted.scorers.items():
        scores = scorer(strange, REPOSITORIES[:51])
        assert np.isfinite(scores).all(), name
        assert scores[-1] > scores[:-1].max(), name


def test_the_plain_autoencoder_flags_by_its_own_threshold() -> None:
    """Mean and two standard deviations of its errors: some 5 % or fewer of what it was fitted to."""
    features = np.random.default_rng(5).normal(size=(800, 6))
    fitted = baselines.fit(features, REPOSITORIES, seed=1)
    errors = fitted.scorers["plain_autoencoder"](features, REPOSITORIES)
    assert 0 < (errors > fitted.limit).mean() < 0.08
