"""From pull requests as GitHub has them to scores and reasons, by the features and the model of training."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from steps.common.pull_request import PullRequest
from steps.preprocess.history import AUTHOR_FEATURES, HISTORY_FEATURES
from steps.preprocess.vectors import plain_rows, vector
from steps.serve.contract import ModelName, Result
from steps.serve.histories import Histories, Past
from steps.train.data import Floats
from steps.train.model import Model
from steps.train.reasons import reasons

BLOCK = 64
"""Pull requests scored at once; between blocks others get their turn."""


class Scored(NamedTuple):
    """A result, and the features [features] that it came from."""

    result: Result
    features: Floats


class Scorer:
    """A model together with the pasts that pull requests are compared with."""

    def __init__(self, model: Model, name: ModelName, histories: Histories) -> None:
        self.model = model
        self.name = name
        self.histories = histories

    async def score(self, pulls: Sequence[PullRequest]) -> list[Scored]:
        """Score pull requests, each by itself, in their order."""
        pasts = await self.histories.of(pull.base.repo.full_name for pull in pulls)
        scored: list[Scored] = []
        for block in _blocks(pulls):
            if scored:
                await asyncio.sleep(0)
            scored += score(self.model, block, pasts)
        return scored


def score(model: Model, pulls: Sequence[PullRequest], pasts: Mapping[str, Past]) -> list[Scored]:
    """Score pull requests against the pasts of their repositories."""
    rows = [_completed(model, row, pasts[row["repository"]]) for row in plain_rows(pulls)]
    repositories = [row["repository"] for row in rows]
    features = np.stack([vector(row, model.names) for row in rows])
    scores, surprises = model.score(features, repositories)
    return [
        Scored(_result(model, *found, pasts[found[0]["repository"]]), own)
        for *found, own in zip(rows, scores.tolist(), surprises, features, strict=True)
    ]


def _completed(model: Model, row: dict[str, Any], past: Past) -> dict[str, Any]:
    """A row with the features that need a past; the usual value stands for what can't be known."""
    usual = model.middles(row["repository"])
    if past.history is None:
        return row | {name: usual[name] for name in HISTORY_FEATURES if name in usual}
    found = row | past.history.features(row)
    if past.whose == "all":
        found |= {name: usual[name] for name in AUTHOR_FEATURES if name in usual}
    return found


def _result(model: Model, row: dict[str, Any], score: float, surprises: Floats, past: Past) -> Result:
    level = model.level(score)
    return Result(
        id=row["id"],
        repository=row["repository"],
        number=row["number"],
        score=score,
        percentile=model.percentile(score, row["repository"]),
        threshold=model.threshold,
        unusual=level != "standard",
        level=level,
        reasons=reasons(model, row, surprises),
        history=past.whose,
    )


def _blocks(pulls: Sequence[PullRequest]) -> Iterator[list[PullRequest]]:
    rest = iter(pulls)
    while block := list(islice(rest, BLOCK)):
        yield block
