"""The same model as a BentoML service with adaptive batching."""

from typing import Any

import bentoml

from steps.common.pull_request import PullRequest
from steps.common.settings import ServeSettings, load
from steps.serve import scorer
from steps.serve.histories import Histories
from steps.serve.runtime import connect, load_model


@bentoml.service(name="batched", workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Batched:
    """A BentoML service that scores several requests at once."""

    def __init__(self) -> None:
        settings = load(ServeSettings)
        self.model = load_model(settings.model_dir).model
        self.histories = Histories(connect(settings))

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1_000)  # type: ignore[untyped-decorator]
    async def score(self, pull_requests: list[PullRequest]) -> list[dict[str, Any]]:
        """Score pull requests."""
        pasts = await self.histories.for_repositories(pull.base.repo.full_name for pull in pull_requests)
        inputs = [scorer.ScoreInput(pull, pasts[pull.base.repo.full_name]) for pull in pull_requests]
        scored = scorer.score(self.model, inputs)
        return [one.result.model_dump() for one in scored]
