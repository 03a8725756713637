"""Scores and reasons for pull requests, with the features and the model of training."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from steps.common.errors import Unavailable
from steps.common.pull_request import PullRequest
from steps.scoring.arrays import Floats
from steps.scoring.features import AUTHOR_FEATURES, HISTORY_FEATURES, UNKNOWN_PAST
from steps.scoring.history import History
from steps.scoring.model import Model
from steps.scoring.reasons import Reason, explain
from steps.scoring.signals import total
from steps.scoring.thresholds import Limits
from steps.scoring.vectors import plain_rows, vector
from steps.serve import metrics
from steps.serve.contract import ModelName, ScoreResult
from steps.serve.histories import Histories, SourcedHistory
from steps.serve.micro_batching import MicroBatcher
from steps.serve.predictions import Predictions
from steps.serve.thresholds import WEBHOOK, LiveThresholds

BLOCK_SIZE = 64
"""Pull requests per batch."""
READ_AHEAD = 16
"""Repositories whose histories are read when the service starts, a few megabytes each."""
EMPTY_HISTORY = History()
"""For the features that need no past; nothing is ever added to it."""


class ScoredPullRequest(NamedTuple):
    """A result, and the features [features] that it was computed from.

    `heard` is the result without the kinds of reasons that the repository mutes, `kinds` the kinds of its reasons.
    """

    result: ScoreResult
    features: Floats
    heard: ScoreResult
    kinds: tuple[str, ...]


class ScoreInput(NamedTuple):
    """A pull request, the history that it is compared with, and the kinds of reasons that its repository mutes."""

    pull: PullRequest
    past: SourcedHistory
    muted: Collection[str] = ()


class Scorer:
    """Scores pull requests against their histories; results are counted and stored."""

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
        self._batcher: MicroBatcher[ScoreInput, ScoredPullRequest] = MicroBatcher(
            partial(score, model, limits=self.thresholds.limits), BLOCK_SIZE
        )

    async def read_ahead(self) -> None:
        """Read what MongoDB has of READ_AHEAD repositories that the model was trained with, for the first requests."""
        names = self.model.repositories[:READ_AHEAD]
        with suppress(Unavailable):
            await asyncio.gather(self.histories.read(names), self.thresholds.prepare(names))

    async def score(
        self, pulls: Sequence[PullRequest], route: str = WEBHOOK, muted: Collection[str] = ()
    ) -> list[ScoredPullRequest]:
        """Score pull requests, in their order.

        Args:
            pulls: what to score.
            route: a label of the metrics.
            muted: the kinds of reasons that their repository mutes.

        Raises:
            Unavailable: MongoDB does not answer, and the webhook, where nobody waits, would score without a history.
        """
        return [one async for block in self.score_in_blocks(pulls, route, muted) for one in block]

    def _respell(self, pull: PullRequest) -> PullRequest:
        """Return the pull request with its repository's name in the spelling that the model knows."""
        given = pull.base.repo.full_name
        if (spelling := self.model.spell(given)) == given:
            return pull
        repo = pull.base.repo.model_copy(update={"full_name": spelling})
        return pull.model_copy(update={"base": pull.base.model_copy(update={"repo": repo})})

    async def score_in_blocks(
        self, pulls: Sequence[PullRequest], route: str, muted: Collection[str] = ()
    ) -> AsyncIterator[Sequence[ScoredPullRequest]]:
        """Score pull requests a block at a time, so that other callers get their turn in between."""
        pulls = [self._respell(pull) for pull in pulls]
        names = {pull.base.repo.full_name for pull in pulls}
        if route == WEBHOOK:
            await self.histories.read(names)
        pasts, _ = await asyncio.gather(self.histories.for_repositories(names), self.thresholds.prepare(names))
        for start in range(0, len(pulls), BLOCK_SIZE):
            block = pulls[start : start + BLOCK_SIZE]
            inputs = [ScoreInput(pull, pasts[pull.base.repo.full_name], muted) for pull in block]
            scored = await self._batcher(inputs)
            metrics.count_scores(route, (one.result for one in scored))
            if route != metrics.CHECK:
                self._predictions.enqueue(scored, route)
            self.thresholds.update((one.result for one in scored), route)
            yield scored


def score(
    model: Model, inputs: Sequence[ScoreInput], *, limits: Callable[[str], Limits] | None = None
) -> list[ScoredPullRequest]:
    """Score pull requests against their histories; `limits` of a repository are those of training if left out."""
    limits = limits or model.limits
    plain = plain_rows([one.pull for one in inputs])
    rows = [_complete_row(model, row, one.past) for row, one in zip(plain, inputs, strict=True)]
    features = np.stack([vector(row, model.names) for row in rows])
    scores, strengths = model.score(features, [row["repository"] for row in rows])
    return [
        _build_scored(model, row, one, its, given, own, limits(row["repository"]))
        for row, one, its, given, own in zip(rows, scores.tolist(), strengths, inputs, features, strict=True)
    ]


def _build_scored(
    model: Model, row: dict[str, Any], score: float, strengths: Floats, given: ScoreInput, own: Floats, limits: Limits
) -> ScoredPullRequest:
    why = explain(model, row, strengths)
    result = heard = _build_result(model, row, score, why, given.past, limits)
    if given.muted:
        left = np.where([signal.name in given.muted for signal in model.signals], 0.0, strengths)
        why = explain(model, row, left)
        heard = _build_result(model, row, float(total(left[np.newaxis])[0]), why, given.past, limits)
    return ScoredPullRequest(result, own, heard, tuple(reason.kind for reason in why))


def _complete_row(model: Model, row: dict[str, Any], past: SourcedHistory) -> dict[str, Any]:
    """Add the features that need a history; the usual value stands in for those that are unknown."""
    if past.history is None:
        return row | EMPTY_HISTORY.features(row) | _usual_values(model, row, HISTORY_FEATURES) | UNKNOWN_PAST
    found = row | past.history.features(row)
    if past.source == "repository":
        return found
    return found | _usual_values(model, row, AUTHOR_FEATURES) | UNKNOWN_PAST


def _usual_values(model: Model, row: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    usual = model.middles(row["repository"])
    return {name: usual[name] for name in names if name in usual}


def _build_result(
    model: Model, row: dict[str, Any], score: float, why: Sequence[Reason], past: SourcedHistory, limits: Limits
) -> ScoreResult:
    level = model.level(score, limits)
    return ScoreResult(
        id=row["id"],
        repository=row["repository"],
        number=row["number"],
        score=score,
        percentile=model.percentile(score, row["repository"]),
        threshold=limits.threshold,
        unusual=level != "standard",
        level=level,
        reasons=[reason.text for reason in why],
        history=past.source,
    )
