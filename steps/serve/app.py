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

from steps.common import tracing
from steps.common.pull_request import PullRequest
from steps.common.settings import ServeSettings, load
from steps.serve import lookup, spans
from steps.serve.contract import (
    FeedbackCounts,
    GoldenPullRequest,
    ModelCard,
    PullRequestSummary,
    ScoreDistribution,
    ScoreRequest,
    ScoreResponse,
    UrlRequest,
    UrlResponse,
)
from steps.serve.http import health, openapi, parsing, problems
from steps.serve.http.middleware import RawHeaders, RequestMiddleware, encode_headers, find_route
from steps.serve.runtime import Runtime, service_lifespan
from steps.serve.scorer import Scorer
from steps.serve.webhooks import receiver

PAGE = Path(__file__).parent / "page"

router = APIRouter()
BODY_ERRORS = problems.describe_responses(400, 408, 413, 415, 422, 503)


@router.post(
    "/score",
    responses=BODY_ERRORS,
    response_model=ScoreResponse,
    tags=["scoring"],
    openapi_extra=openapi.describe_body(ScoreRequest),
)
async def score(request: Request) -> Response:
    """Score pull requests in the form in which GitHub's REST API and webhooks send them."""
    scorer = get_runtime(request).ready()
    pulls = await parsing.parse_pull_requests(await request.body())
    return await _respond(scorer, find_route("/score", request.headers), pulls)


@router.post(
    "/score_url",
    responses=BODY_ERRORS | problems.describe_responses(404, 502),
    response_model=UrlResponse,
    tags=["scoring"],
    openapi_extra=openapi.describe_body(UrlRequest),
)
async def score_url(request: Request) -> Response:
    """Fetch a pull request by its URL, with the service's token, and score it."""
    current = get_runtime(request)
    scorer = current.ready()
    wanted = lookup.parse_url(parsing.parse_model(UrlRequest, await request.body()).url, current.settings.github_url)
    pull = await current.pulls.fetch(wanted)
    summary = PullRequestSummary(
        title=pull.title,
        author=pull.user.login,
        created_at=pull.created_at.isoformat(),
        additions=pull.additions,
        deletions=pull.deletions,
        changed_files=pull.changed_files,
        commits=pull.commits,
        url=pull.html_url,
    )
    return await _respond(scorer, "/score_url", [pull], pull_request=summary.model_dump())


@router.get("/model", responses=problems.describe_responses(503), response_model=ModelCard, tags=["model"])
async def model(request: Request) -> Response:
    """Return the model card: the model's name, its training data, and its metrics beside the baselines'."""
    current = get_runtime(request)
    scorer = current.ready()
    card = scorer.name.model_dump() | {"registration": current.registration.model_dump()}
    return _json_response(orjson.dumps(card | {"signature": current.signature, "manifest": scorer.model.manifest}))


@router.get(
    "/golden", responses=problems.describe_responses(503), response_model=list[GoldenPullRequest], tags=["model"]
)
async def golden(request: Request) -> Response:
    """Return the model's golden pull requests; `/score` must give each the score that it had at training."""
    return _json_response(orjson.dumps(get_runtime(request).ready().model.golden))


@router.get("/distribution", responses=problems.describe_responses(422, 503), tags=["model"])
async def distribution(
    repository: Annotated[str, Query(max_length=256, examples=["example/webshop"])], request: Request
) -> ScoreDistribution:
    """Return the score quantiles of a repository's past pull requests, or of all repositories' if it is not known."""
    scorer = get_runtime(request).ready()
    repository = scorer.model.spell(repository)
    found, limits = scorer.model.distribution(repository), scorer.thresholds.limits(repository)
    return ScoreDistribution(
        repository=repository,
        known=found.known,
        levels=found.levels,
        scores=found.scores,
        threshold=limits.threshold,
        high=limits.high,
    )


@router.get("/feedback", responses=problems.describe_responses(422), tags=["scoring"])
async def feedback(
    repository: Annotated[str, Query(max_length=256, examples=["example/webshop"])], request: Request
) -> FeedbackCounts:
    """Return what people said about a repository's latest alerts; zeros if nobody has voted, or MongoDB is away."""
    found = await get_runtime(request).feedback.summarise(repository)
    return FeedbackCounts(repository=repository, voted=found.voted, useful=found.useful)


@router.get("/", include_in_schema=False)
async def page() -> Response:
    """Return the web page."""
    return FileResponse(PAGE / "index.html", media_type="text/html")


def get_runtime(request: Request) -> Runtime:
    """Return the runtime of the application."""
    found: Runtime = request.app.state.runtime
    return found


def create_app(settings: Callable[[], ServeSettings] = lambda: load(ServeSettings)) -> FastAPI:
    """Create the application; its settings are read when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service_lifespan(settings()) as current:
            app.state.runtime, app.state.webhook = current, current.webhook
            app.state.model_headers = _build_model_headers(current.scorer)
            yield

    app = FastAPI(
        title="PR Sentinel",
        description="Scores how unusual pull requests are for their repository, and explains why.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # the redirect would lead to the Host that the client sent
        generate_unique_id_function=lambda route: route.name,
    )
    parts = (router, receiver.router, health.router)
    for part in parts:
        app.include_router(part)
    app.mount("/page", StaticFiles(directory=PAGE))
    problems.install(app)
    openapi.install(app)
    routes = {route.path: route.methods or () for part in parts for route in part.routes if isinstance(route, APIRoute)}
    app.add_middleware(RequestMiddleware, get_model_headers=lambda: app.state.model_headers, routes=routes)
    return app


def _build_model_headers(scorer: Scorer | None) -> RawHeaders:
    return encode_headers({"X-Model": str(scorer.name), "X-Model-Digest": scorer.name.digest}) if scorer else []


async def _respond(scorer: Scorer, route: str, given: Sequence[PullRequest], **more: Any) -> Response:
    """Score pull requests and serialise the results, a block at a time."""
    results = []
    async for block in scorer.score_in_blocks(given, route):
        results.append(orjson.dumps([one.result.model_dump() for one in block])[1:-1])
        if len(given) == 1:
            tracing.describe(spans.describe_result(block[0].result))
    rest = orjson.dumps({"model": scorer.name.model_dump(), **more})
    return _json_response(b'%s,"results":[%s]}' % (rest[:-1], b",".join(results)))


def _json_response(content: bytes) -> Response:
    return Response(content, media_type="application/json")
