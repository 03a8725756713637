"""The same model and features behind plain FastAPI and uvicorn: no logs, no metrics, no stored predictions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request

from steps.common.settings import ServeSettings, load
from steps.serve import scorer
from steps.serve.contract import ScoreRequest
from steps.serve.histories import Histories
from steps.serve.runtime import connect, load_model


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings = load(ServeSettings)
    app.state.model = load_model(settings.model_dir).model
    app.state.histories = Histories(connect(settings))
    yield


app = FastAPI(lifespan=_lifespan)


@app.post("/score")
async def score(given: ScoreRequest, request: Request) -> dict[str, Any]:
    """Score pull requests."""
    state, pulls = request.app.state, given.pull_requests
    pasts = await state.histories.for_repositories(pull.base.repo.full_name for pull in pulls)
    scored = scorer.score(state.model, [scorer.ScoreInput(pull, pasts[pull.base.repo.full_name]) for pull in pulls])
    return {"model": {"digest": state.model.digest}, "results": [one.result.model_dump() for one in scored]}
