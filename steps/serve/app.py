"""The service's HTTP interface."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.routing import APIRoute
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from steps.common.pull_request import PullRequest
from steps.common.settings import ServeSettings, load
from steps.serve import lookup
from steps.serve.contract import Card, Distribution, Golden, ScoreAnswer, ScoreRequest, Seen, UrlAnswer, UrlRequest
from steps.serve.http import health, openapi, parsing, problems
from steps.serve.http.middleware import Boundary, RawHeaders, raw
from steps.serve.runtime import Runtime, running
from steps.serve.scorer import Scorer
from steps.serve.webhooks import receiver

PAGE = Path(__file__).parent / "page"

router = APIRouter()
BODY = problems.described(400, 408, 413, 415, 422, 503)


@router.post(
    "/score", responses=BODY, response_model=ScoreAnswer, tags=["scoring"], openapi_extra=openapi.body(ScoreRequest)
)
async def score(request: Request) -> Response:
    """Score pull requests as GitHub's REST interface or a webhook has them, nothing prepared."""
    scorer = runtime(request).ready()
    return await _answer(scorer, "/score", await parsing.pull_requests(await request.body()))


@router.post(
    "/score_url",
    responses=BODY | problems.described(404, 502),
    response_model=UrlAnswer,
    tags=["scoring"],
    openapi_extra=openapi.body(UrlRequest),
)
async def score_url(request: Request) -> Response:
    """Fetch a pull request by the address of its page, with the service's token, and score it."""
    current = runtime(request)
    scorer = current.ready()
    wanted = lookup.named(parsing.form(UrlRequest, await request.body()).url, current.settings.github_url)
    pull = await current.pulls.fetch(wanted)
    seen = Seen(
        title=pull.title,
        author=pull.user.login,
        created_at=pull.created_at.isoformat(),
        additions=pull.additions,
        deletions=pull.deletions,
        changed_files=pull.changed_files,
        commits=pull.commits,
        url=pull.html_url,
    )
    return await _answer(scorer, "/score_url", [pull], pull_request=seen.model_dump())


@router.get("/model", responses=problems.described(503), response_model=Card, tags=["model"])
async def model(request: Request) -> Response:
    """The model's card: which one it is, what it learned from and how well it did beside others."""
    current = runtime(request)
    scorer = current.ready()
    card = scorer.name.model_dump() | {"registration": current.registration.model_dump()}
    return _json(orjson.dumps(card | {"manifest": scorer.model.manifest}))


@router.get("/golden", responses=problems.described(503), response_model=list[Golden], tags=["model"])
async def golden(request: Request) -> Response:
    """The model's golden pull requests; `/score` must give each its score, as at training."""
    return _json(orjson.dumps(runtime(request).ready().model.golden))


@router.get("/distribution", responses=problems.described(422, 503), tags=["model"])
async def distribution(
    repository: Annotated[str, Query(max_length=256, examples=["example/webshop"])], request: Request
) -> Distribution:
    """How the past pull requests of a repository scored; that of all where it isn't known."""
    scorer = runtime(request).ready()
    found, limits = scorer.model.distribution(repository), scorer.thresholds.limits(repository)
    return Distribution(
        repository=repository,
        known=found.known,
        levels=found.levels,
        scores=found.scores,
        threshold=limits.threshold,
        high=limits.high,
    )


@router.get("/", include_in_schema=False)
async def page() -> Response:
    """The page for people."""
    return FileResponse(PAGE / "index.html", media_type="text/html")


def runtime(request: Request) -> Runtime:
    """What this application's answers come from."""
    found: Runtime = request.app.state.runtime
    return found


def create(settings: Callable[[], ServeSettings] = lambda: load(ServeSettings)) -> FastAPI:
    """The application; its settings are read when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings()) as current:
            app.state.runtime, app.state.webhook = current, current.webhook
            app.state.named = _named(current.scorer)
            yield

    app = FastAPI(
        title="PR Sentinel",
        description="Says how unusual pull requests are for their repository, and why.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    parts = (router, receiver.router, health.router)
    for part in parts:
        app.include_router(part)
    app.mount("/page", StaticFiles(directory=PAGE))
    problems.install(app)
    openapi.install(app)
    routes = {route.path: route.methods or () for part in parts for route in part.routes if isinstance(route, APIRoute)}
    app.add_middleware(Boundary, named=lambda: app.state.named, routes=routes)
    return app


def _named(scorer: Scorer | None) -> RawHeaders:
    return raw({"X-Model": str(scorer.name), "X-Model-Digest": scorer.name.digest}) if scorer else []


async def _answer(scorer: Scorer, route: str, given: Sequence[PullRequest], **more: Any) -> Response:
    """Score pull requests and write down the results, some at a time."""
    results = [
        orjson.dumps([one.result.model_dump() for one in block])[1:-1] async for block in scorer.blocks(given, route)
    ]
    rest = orjson.dumps({"model": scorer.name.model_dump(), **more})
    return _json(b'%s,"results":[%s]}' % (rest[:-1], b",".join(results)))


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
