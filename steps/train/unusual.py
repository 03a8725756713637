"""What a training run reports of its dataset: usual values for the reasons, and the most unusual pull requests."""

import heapq
from typing import Any

import numpy as np

from steps.common.dataset import OVERALL, Dataset
from steps.scoring.arrays import Floats
from steps.scoring.model import Model
from steps.scoring.reasons import reasons
from steps.train.data import Rows, batches

KEPT = 50


def usual_values(past: Rows, names: tuple[str, ...], measures: set[str]) -> dict[str, dict[str, float]]:
    """The 99th percentile of each measured feature, by repository and over all."""
    owners = np.asarray(past.repositories)
    groups = {OVERALL: np.ones(len(past), bool), **{name: owners == name for name in sorted(set(past.repositories))}}
    columns = {measure: names.index(measure) for measure in sorted(measures)}
    return {
        name: {measure: float(np.quantile(past.features[mask, column], 0.99)) for measure, column in columns.items()}
        for name, mask in groups.items()
    }


def most_unusual(dataset: Dataset, model: Model) -> list[dict[str, Any]]:
    """The highest-scored real pull requests of the test split with their reasons."""
    best: list[tuple[float, str, dict[str, Any], Floats]] = []
    for block in batches(dataset, "test", model.names):
        scored = model.score(block.features, block.repositories)
        for place in np.argsort(-scored.scores)[:KEPT].tolist():
            row = block.table.slice(place, 1).to_pylist()[0]
            best.append((float(scored.scores[place]), row["id"], row, scored.surprises[place]))
        best = heapq.nlargest(KEPT, best, key=lambda entry: entry[:2])
    return [_entry(model, row, score, surprises) for score, _, row, surprises in best]


def _entry(model: Model, row: dict[str, Any], score: float, surprises: Floats) -> dict[str, Any]:
    return {
        "id": row["id"],
        "repository": row["repository"],
        "number": row["number"],
        "created_at": row["created_at"].isoformat(),
        "score": round(score, 3),
        "percentile": round(model.percentile(score, row["repository"]), 2),
        "level": model.level(score),
        "reasons": reasons(model, row, surprises),
    }
