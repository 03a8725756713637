"""From pull requests as GitHub has them to scores and reasons, by the features and the model of training."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from steps.common.pull_request import PullRequest
from steps.scoring.arrays import Floats
from steps.scoring.features import AUTHOR_FEATURES, PAST_FEATURES, UNKNOWN_PAST
from steps.scoring.history import History
from steps.scoring.model import Model
from steps.scoring.reasons import reasons
from steps.scoring.thresholds import Limits
from steps.scoring.vectors import plain_rows, vector
from steps.serve import metrics
from steps.serve.contract import ModelName, Result
from steps.serve.histories import Histories, Past
from steps.serve.micro_batching import Together
from steps.serve.predictions import Predictions
from steps.serve.thresholds import LiveThresholds

BLOCK = 64
"""Pull requests scored at once."""
NO_PAST = History()
"""For those features that a pull request has without any past; nothing is ever added to it."""


class Scored(NamedTuple):
    """A result, and the features [features] that it came from."""

    result: Result
    features: Floats


class Asked(NamedTuple):
    """A pull request, and what it is compared with."""

    pull: PullRequest
    past: Past


class Scorer:
    """A model together with the pasts that pull requests are compared with; what it scores is counted and kept."""

    def __init__(
        self,
        model: Model,
        name: ModelName,
        histories: Histories,
        predictions: Predictions,
        thresholds: LiveThresholds | None = None,
    ) -> None:
        self.model = model
        self.name = name
        self.histories = histories
        self._predictions = predictions
        self.thresholds = thresholds or LiveThresholds(model, None, name.digest)
        self._scored: Together[Asked, Scored] = Together(partial(score, model, limits=self.thresholds.limits), BLOCK)

    async def score(self, pulls: Sequence[PullRequest], route: str = "/webhook") -> list[Scored]:
        """Score pull requests, each by itself, in their order; `route` says who asks."""
        return [one async for block in self.blocks(pulls, route) for one in block]

    async def blocks(self, pulls: Sequence[PullRequest], route: str) -> AsyncIterator[Sequence[Scored]]:
        """The same, some at a time, so that other callers get their turn between them."""
        names = {pull.base.repo.full_name for pull in pulls}
        pasts = await self.histories.of(names)
        await self.thresholds.prepare(names)
        for start in range(0, len(pulls), BLOCK):
            asked = [Asked(pull, pasts[pull.base.repo.full_name]) for pull in pulls[start : start + BLOCK]]
            scored = await self._scored(asked)
            metrics.scored(route, (one.result for one in scored))
            self._predictions.keep(scored, route)
            self.thresholds.update((one.result for one in scored), route)
            yield scored


def score(model: Model, asked: Sequence[Asked], *, limits: Callable[[str], Limits] | None = None) -> list[Scored]:
    """Score pull requests against their pasts; `limits` are those of each repository, of training if left out."""
    limits = limits or model.limits
    plain = plain_rows([one.pull for one in asked])
    rows = [_completed(model, row, one.past) for row, one in zip(plain, asked, strict=True)]
    features = np.stack([vector(row, model.names) for row in rows])
    scores, surprises = model.score(features, [row["repository"] for row in rows])
    return [
        Scored(_result(model, row, one, reasons(model, row, why), given.past, limits(row["repository"])), own)
        for row, one, why, given, own in zip(rows, scores.tolist(), surprises, asked, features, strict=True)
    ]


def _completed(model: Model, row: dict[str, Any], past: Past) -> dict[str, Any]:
    """A row with the features that need a past; the usual value stands for what can't be known."""
    if past.history is None:
        return row | NO_PAST.features(row) | _usual(model, row, PAST_FEATURES) | UNKNOWN_PAST
    found = row | past.history.features(row)
    if past.whose == "repository":
        return found
    return found | _usual(model, row, AUTHOR_FEATURES) | UNKNOWN_PAST


def _usual(model: Model, row: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    usual = model.middles(row["repository"])
    return {name: usual[name] for name in names if name in usual}


def _result(model: Model, row: dict[str, Any], score: float, why: list[str], past: Past, limits: Limits) -> Result:
    level = model.level(score, limits)
    return Result(
        id=row["id"],
        repository=row["repository"],
        number=row["number"],
        score=score,
        percentile=model.percentile(score, row["repository"]),
        threshold=limits.threshold,
        unusual=level != "standard",
        level=level,
        reasons=why,
        history=past.whose,
    )
