"""From a dataset to a measured model in MLflow."""

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.common import tracking
from steps.common.dataset import Dataset, materialise
from steps.common.settings import TrainSettings, load
from steps.common.store import open_store
from steps.scoring import distribution, golden, model
from steps.scoring.calibration import Calibration
from steps.scoring.features import FEATURES, NAMES
from steps.scoring.scaling import Scales
from steps.train import autoencoder, baselines, card, evaluation, record, unusual
from steps.train.data import Rows, reverted, sample

logger = logging.getLogger(__name__)
HIGH_SHARE = 0.1
"""Share of the alert budget that is called high."""


@dataclass(frozen=True)
class Result:
    """What one training made."""

    model: model.Model
    network: autoencoder.Trained
    figures: dict[str, Any]
    scores: dict[str, Any]
    tests: evaluation.TestSet
    unusual: list[dict[str, Any]]


def train_and_measure(dataset_uri: str, alert_budget: float, seed: int) -> dict[str, Any]:
    """Train on a dataset, or find the finished run that already did with the same code, data and parameters."""
    settings = load(TrainSettings)
    with tracking.connect(settings) as client, tempfile.TemporaryDirectory() as folder:
        dataset = materialise(open_store(settings), dataset_uri, Path(folder) / "dataset")
        run = record.Run(client, settings, dataset_uri, dataset.manifest.hash, alert_budget, seed)
        if finished := run.finished():
            logger.info("this dataset was trained on before", extra={"run_id": finished["run_id"]})
            return finished
        artefact = Path(folder) / "model"
        artefact.mkdir()
        result = train(dataset, artefact, alert_budget, seed, run.facts)
        return run.write(result, artefact, dataset)


def train(dataset: Dataset, artefact: Path, alert_budget: float, seed: int, facts: dict[str, Any]) -> Result:
    """Fit everything on the past, measure on what came later, write the artefact."""
    past, later = sample(dataset, "train", NAMES), sample(dataset, "validation", NAMES)
    scales = Scales.fit(past.features, past.repositories)
    scaled = scales.apply(later.features, later.repositories)
    logger.info("training", extra={"rows": dataset.manifest.splits["train"], "features": len(NAMES)})
    network = autoencoder.train(dataset, NAMES, [f.group for f in FEATURES], scales, scaled, seed)
    logger.info("trained", extra={"epochs": len(network.losses), "loss": network.validation_losses[-1]})
    fitted = fit(network.onnx, past, later, scales, alert_budget)
    tests = evaluation.test_set(dataset, fitted, reverted(dataset))
    past_scaled = scales.apply(past.features, past.repositories)
    scores = evaluation.detectors(fitted, tests, baselines.fit(past_scaled, seed))
    measured = evaluation.evaluate(scores, tests, fitted.threshold, alert_budget)
    mean_plus_2std = fitted.thresholds["mean_plus_2std"]
    measured |= {
        "alert_budget": alert_budget,
        "threshold": fitted.threshold,
        "mean_plus_2std": mean_plus_2std,
        "at_mean_plus_2std": evaluation.at_threshold(scores["model"], tests, mean_plus_2std),
        "rows": {split: dataset.manifest.splits[split] for split in ("train", "validation", "test")},
    }
    whole = fitted.write(artefact, golden.make(fitted), facts | card.card(dataset.manifest, measured))
    golden.check(whole)
    return Result(whole, network, measured, scores, tests, unusual.most_unusual(dataset, whole))


def fit(onnx: bytes, past: Rows, later: Rows, scales: Scales, alert_budget: float) -> model.Model:
    """A network and what is fitted around it: usual values from the past, limits from what it was not trained on."""
    scaled = scales.apply(later.features, later.repositories)
    directions = [feature.direction.value for feature in FEATURES]
    errors = scaled - model.reconstruct(model.session(onnx), scaled)
    curves = Calibration.fit(scaled, errors, directions, [feature.scored for feature in FEATURES])
    scores = model.total(curves.surprises(scaled, errors))
    thresholds = {
        "alert_budget": alert_budget,
        "threshold": float(np.quantile(scores, 1 - alert_budget)),
        "high": float(np.quantile(scores, 1 - alert_budget * HIGH_SHARE)),
        "mean_plus_2std": float(scores.mean() + 2 * scores.std()),
        **curves.to_json(),
        "distributions": distribution.fit(scores, later.repositories),
    }
    return model.Model(onnx, _features(past, scales), thresholds)


def _features(past: Rows, scales: Scales) -> dict[str, Any]:
    """All that is known of the features: their order, words, scales and usual values."""
    measures = {feature.measure[0] for feature in FEATURES if feature.measure}
    return {
        "features": [feature._asdict() | {"direction": feature.direction.value} for feature in FEATURES],
        "scales": {
            "repositories": scales.repositories,
            "middles": scales.middles.tolist(),
            "spreads": scales.spreads.tolist(),
        },
        "usual": unusual.usual_values(past, NAMES, measures),
    }
