"""What a training run reports of its dataset: the most unusual pull requests, with their reasons."""

import heapq
from typing import Any

import numpy as np

from steps.common.dataset import Dataset
from steps.scoring.arrays import Floats
from steps.scoring.model import Model
from steps.scoring.reasons import explain
from steps.train.data import batches

KEPT = 50


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
    why = explain(model, row, surprises)
    return {
        "id": row["id"],
        "repository": row["repository"],
        "number": row["number"],
        "created_at": row["created_at"].isoformat(),
        "score": round(score, 3),
        "percentile": round(model.percentile(score, row["repository"]), 2),
        "level": model.level(score, model.limits(row["repository"])),
        "reasons": [reason.text for reason in why],
        "kinds": [reason.kind for reason in why],
    }
