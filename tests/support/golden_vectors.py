"""The service's way from raw pull requests to scores, beside training's: what both must agree on."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import bson
import numpy as np

from steps.common.dataset import Dataset
from steps.common.pull_request import PullRequest
from steps.scoring.history import History
from steps.scoring.model import Model
from steps.scoring.vectors import plain_rows
from steps.serve.histories import SourcedHistory
from steps.serve.scorer import ScoredPullRequest, ScoreInput, score
from steps.train.data import batches

Document = Mapping[str, Any]


def disagreements(
    model: Model, dataset: Dataset, documents: Iterable[Document], state: bytes, last: int
) -> dict[str, Any]:
    """How far service and training are apart on a repository's last pull requests, at most, and on how many.

    Args:
        model: what scores them.
        dataset: what training read of them.
        documents: a repository's pull requests, as fetch stored them.
        state: the repository's history at its end, which knows what other repositories' texts are like.
        last: how many to compare.
    """
    trained = _trained(model, dataset)
    features, scores = [0.0], [0.0]
    for one in _served(model, documents, state, last):
        expected, expected_score = trained[one.result.id]
        features.append(float(np.abs(one.features - expected).max()))
        scores.append(abs(one.result.score - expected_score))
    return {"compared": len(scores) - 1, "features": max(features), "scores": max(scores)}


def _trained(model: Model, dataset: Dataset) -> dict[str, tuple[Any, float]]:
    """Features and score of every real row, in batches as in training."""
    found: dict[str, tuple[Any, float]] = {}
    for split in ("train", "validation", "test"):
        for block in batches(dataset, split, model.names):
            scores = model.score(block.features, block.repositories).scores.tolist()
            found |= dict(
                zip(block.table.column("id").to_pylist(), zip(block.features, scores, strict=True), strict=True)
            )
    return found


def _served(model: Model, documents: Iterable[Document], state: bytes, last: int) -> Iterator[ScoredPullRequest]:
    """The service's answer to each, as of the moment when it was opened."""
    history = History()
    end = History.from_state(bson.decode(state))
    history.vocabulary.elsewhere = end.vocabulary.elsewhere  # known from the start, and never changed
    pulls = sorted(map(_as_sent, documents), key=lambda pull: (pull.created_at, pull.number))
    for place, (pull, row) in enumerate(zip(pulls, plain_rows(pulls), strict=True)):
        if place >= len(pulls) - last:
            yield from score(model, [ScoreInput(pull, SourcedHistory(history, "repository"))])
        history.update(row)


def _as_sent(document: Document) -> PullRequest:
    """A pull request as it comes by HTTP: through JSON."""
    return PullRequest.model_validate(json.loads(PullRequest.model_validate(document).model_dump_json()))
