"""The webhook as an application of its own, with a scorer that needs no model: over a thousand added lines are unusual.

As a process: `python -m tests.support.webhook.app PORT_FILE`, with the service's settings.
"""

import os
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import uvicorn
from fastapi import FastAPI

from steps.common.pull_request import PullRequest
from steps.common.settings import ServeSettings, load
from steps.serve import background, logs
from steps.serve.contract import ModelName, ScoreResult
from steps.serve.histories import Histories
from steps.serve.http import problems
from steps.serve.scorer import ScoredPullRequest
from steps.serve.webhooks import consistency, deliveries, receiver, repositories, sweep, worker
from steps.serve.webhooks.lifespan import webhook_lifespan

if TYPE_CHECKING:
    from steps.serve.scorer import Scorer

MANY = 1_000
BROKEN = 666
"""Added lines that make the scorer fail unexpectedly."""


class Budgets:
    """Thresholds that only note the alert budgets of repositories, the latest of each."""

    def __init__(self) -> None:
        self.found: dict[str, float | None] = {}

    def set_budget(self, repository: str, budget: float | None) -> None:
        """Note a budget."""
        self.found[repository] = budget


class LineScorer:
    """Scores by added lines only, which is a reason of the kind `dump`."""

    name = ModelName(name="pr-sentinel", version="7", digest="0" * 64)

    def __init__(self, histories: Histories, budgets: Budgets) -> None:
        self.histories = histories
        self.thresholds = budgets

    async def score(self, pulls: Sequence[PullRequest], *, muted: Collection[str] = ()) -> list[ScoredPullRequest]:
        """Score pull requests."""
        for pull in pulls:
            if pull.additions == BROKEN:
                raise ValueError(f"out of ink at {pull.title}")
        return [
            ScoredPullRequest(_result(pull), np.zeros(1), _result(pull, heard="dump" not in muted), ("dump",))
            for pull in pulls
        ]


def _result(pull: PullRequest, *, heard: bool = True) -> ScoreResult:
    odd = heard and pull.additions > MANY
    return ScoreResult(
        id=pull.id,
        repository=pull.base.repo.full_name,
        number=pull.number,
        score=pull.additions / 100,
        percentile=99.7 if odd else 50.0,
        threshold=MANY / 100,
        unusual=odd,
        level="unusual" if odd else "standard",
        reasons=[f"adds {pull.additions} lines; half of this repository's add fewer than 40"],
        history="repository",
    )


def create(histories: Histories | None = None, budgets: Budgets | None = None) -> FastAPI:
    """Create the application; its settings come from the environment."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        scorer = cast("Scorer", LineScorer(histories or Histories(None), budgets or Budgets()))
        async with webhook_lifespan(load(ServeSettings), scorer) as receiver:
            app.state.webhook = receiver
            yield

    app = FastAPI(lifespan=lifespan)
    problems.install(app)
    app.include_router(receiver.router)
    return app


def list_short_waits(lease: float = deliveries.LEASE_SECONDS) -> dict[Any, dict[str, Any]]:
    """List shorter waits by module, so that a test doesn't take minutes."""
    return {
        background: {"CANCEL_AGAIN_SECONDS": 1.0},
        deliveries: {"MIN_WAIT_SECONDS": 0.1, "BUSY_SECONDS": 0.1, "LEASE_SECONDS": lease},
        consistency: {"GRACE": timedelta(seconds=0.5)},
        worker: {"POLL_SECONDS": 0.1, "STOP_SECONDS": 1.0, "TIMEOUT_SECONDS": 0.5},
        sweep: {"CHECK_SECONDS": 3_600.0},
    }


def list_short_sweeps() -> dict[Any, dict[str, Any]]:
    """List short intervals of sweeps by module; otherwise tests have none."""
    return {
        sweep: {"CHECK_SECONDS": 0.1, "PAUSE_SECONDS": 0.0, "SETTLE": timedelta(0)},
        repositories: {"SWEEP_SECONDS": 0.3},
    }


class Server(uvicorn.Server):
    """A server that knows its URL once it listens."""

    @property
    def address(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"


def server(app: FastAPI) -> Server:
    """Create a server on a free port, not yet running."""
    return Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5))


class _AnnouncingServer(Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        unfinished = Path(sys.argv[1]).with_suffix(".part")
        unfinished.write_text(self.address)
        unfinished.replace(sys.argv[1])


def main() -> None:
    """Serve until stopped."""
    logs.configure()
    for module, values in (list_short_waits(float(os.environ["LEASE_SECONDS"])) | list_short_sweeps()).items():
        for name, value in values.items():
            setattr(module, name, value)
    _AnnouncingServer(uvicorn.Config(create(), port=0, log_config=None, timeout_graceful_shutdown=5)).run()


if __name__ == "__main__":
    main()
