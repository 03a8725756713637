"""From a dataset to a measured model in MLflow."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.common import lineage, lineage_names, tracking
from steps.common.dataset import Dataset, materialise
from steps.common.settings import TrainSettings, load
from steps.common.store import open_store
from steps.scoring import distribution, golden, model, signals
from steps.scoring.arrays import Floats
from steps.scoring.calibration import Calibration
from steps.scoring.features import FEATURES, NAMES
from steps.scoring.scaling import Scales
from steps.scoring.thresholds import limits, newest
from steps.train import autoencoder, baselines, card, evaluation, record, truth, unusual
from steps.train.data import Rows, find_reverted, sample

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What one training made."""

    model: model.Model
    network: autoencoder.TrainedNetwork
    figures: dict[str, Any]
    scores: dict[str, Any]
    tests: evaluation.TestSet
    unusual: list[dict[str, Any]]


def train_and_measure(dataset_uri: str, alert_budget: float, seed: int) -> dict[str, Any]:
    """Train on a dataset, or find the finished run that already did with the same code, data and parameters."""
    settings = load(TrainSettings)
    with tracking.connect(settings) as client, tempfile.TemporaryDirectory() as folder:
        dataset = materialise(open_store(settings), dataset_uri, Path(folder) / "dataset")
        lineage.describe(reads=[lineage_names.build_dataset(dataset_uri, dataset.manifest)])
        run = record.Run(client, settings, dataset_uri, dataset.manifest.hash, alert_budget, seed)
        if answer := run.find_finished():
            logger.info("this dataset was trained on before", extra={"run_id": answer["run_id"]})
        else:
            artefact = Path(folder) / "model"
            artefact.mkdir()
            result = train(dataset, artefact, alert_budget, seed, run.facts)
            answer = run.write(result, artefact, dataset)
        recorded = lineage_names.build_run(tracking.format_uri(settings), tracking.EXPERIMENT, answer["run_id"])
        lineage.describe(writes=[recorded])
        return answer


def train(dataset: Dataset, artefact: Path, alert_budget: float, seed: int, facts: dict[str, Any]) -> Result:
    """Fit everything on the past, measure on what came later, write the artefact."""
    past, later = sample(dataset, "train", NAMES), sample(dataset, "validation", NAMES)
    scales = Scales.fit(past.features, past.repositories)
    names, groups = [f.name for f in FEATURES if f.group], [f.group for f in FEATURES if f.group]
    columns = [NAMES.index(name) for name in names]
    scaled = scales.apply(later.features, later.repositories)[:, columns]
    logger.info("training", extra={"rows": dataset.manifest.splits["train"], "features": len(names)})
    network = autoencoder.train(dataset, names, groups, scales.select(columns), scaled, seed)
    logger.info("trained", extra={"epochs": len(network.losses), "loss": network.validation_losses[-1]})
    fitted = fit(network.onnx, later, scales, alert_budget)
    tests = evaluation.test_set(dataset, fitted, find_reverted(dataset))
    past_scaled = scales.apply(past.features, past.repositories)
    scores = evaluation.detectors(fitted, tests, baselines.fit(past_scaled, seed))
    measured = evaluation.evaluate(scores, tests, fitted.threshold, alert_budget)
    measured |= evaluation.flagged_shares(fitted, tests, scores["model"])
    measured["reasons"] = evaluation.check_reasons(fitted, tests)
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


def fit(onnx: bytes, later: Rows, scales: Scales, alert_budget: float) -> model.Model:
    """A network and what is fitted around it, from rows that it was not trained on."""
    names = [feature.name for feature in FEATURES if feature.group]
    scaled = scales.apply(later.features, later.repositories)[:, [NAMES.index(name) for name in names]]
    errors = scaled - model.reconstruct(model.session(onnx), scaled)
    contradicted = truth.find_contradicted(later)
    if contradicted:
        logger.warning("features are left out", extra={"features": sorted(contradicted)})
    kept = signals.without(signals.SIGNALS, {f"{name}_rarity" for name in contradicted})
    residuals = Calibration.fit(errors, names, signals.residual_names(kept))
    sums = signals.SignalSums(kept, NAMES, signals.load_curves(kept))
    scores = signals.total(sums.strengths(later.features, residuals.rarities(errors)))
    overall = limits(scores, alert_budget)
    thresholds = {
        "alert_budget": alert_budget,
        "threshold": overall.threshold,
        "high": overall.high,
        "mean_plus_2std": float(scores.mean() + 2 * scores.std()),
        "residuals": residuals.to_json(),
        "curves": {name: curve.to_json() for name, curve in signals.load_curves(kept).items()},
        "newest": newest(_in_order(later, scores)),
        "contradicted": sorted(contradicted),
        "distributions": distribution.fit(scores, later.repositories),
    }
    return model.Model(onnx, _features(scales, kept), thresholds)


def _in_order(rows: Rows, scores: Floats) -> dict[str, Floats]:
    """The scores of each repository, in the order of opening."""
    owners = np.asarray(rows.repositories)
    opened = np.argsort(rows.table.column("created_at").to_numpy(), kind="stable")
    return {name: scores[opened[owners[opened] == name]] for name in sorted(set(rows.repositories))}


def _features(scales: Scales, kept: Sequence[signals.Signal]) -> dict[str, Any]:
    """All that is known of the features: their order, groups and scales, and the signals that they make."""
    return {
        "features": [feature._asdict() for feature in FEATURES],
        "signals": [signal.to_json() for signal in kept],
        "scales": {
            "repositories": scales.repositories,
            "middles": scales.middles.tolist(),
            "spreads": scales.spreads.tolist(),
        },
    }
