"""The service's HTTP interface."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.responses import FileResponse, Response

from steps.common.settings import ServeSettings, load
from steps.serve import problems, pulls
from steps.serve.boundary import Boundary
from steps.serve.contract import Distribution, ModelName, ScoreAnswer, ScoreRequest, Seen, UrlAnswer, UrlRequest
from steps.serve.runtime import Runtime, running
from steps.serve.scoring import Scored

PAGE = Path(__file__).parent / "page"
_MEDIA = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
PAGE_FILES = {path.name: _MEDIA[path.suffix] for path in PAGE.iterdir() if path.suffix in _MEDIA}


class StrictRequest(Request):
    """A request whose body is read by a parser that takes JSON and nothing beyond it."""

    async def json(self) -> Any:
        """The body as plain values.

        Raises:
            NotJson: it isn't JSON.
        """
        return problems.parsed(await self.body())


class StrictRoute(APIRoute):
    """A route that reads bodies that way."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's own handler."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return handle


router = APIRouter(route_class=StrictRoute)
BODY = problems.described(400, 413, 415, 422, 503)


@router.post("/score", responses=BODY, response_model=ScoreAnswer, tags=["scoring"])
async def score(given: ScoreRequest, request: Request) -> Response:
    """Score pull requests as GitHub's REST interface or a webhook has them, nothing prepared."""
    scorer = runtime(request).ready()
    scored = await scorer.score(given.pull_requests)
    return _answer(scorer.name, scored)


@router.post("/score_url", responses=BODY | problems.described(404, 502), response_model=UrlAnswer, tags=["scoring"])
async def score_url(given: UrlRequest, request: Request) -> Response:
    """Fetch a pull request by the address of its page, with the service's token, and score it."""
    current = runtime(request)
    scorer = current.ready()
    wanted = pulls.named(given.url, current.settings.github_url)
    github = pulls.client(current.settings)
    try:
        pull = await asyncio.to_thread(pulls.fetch, github, wanted)
    finally:
        github.close()
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
    return _answer(scorer.name, await scorer.score([pull]), pull_request=seen.model_dump())


@router.get("/model", responses=problems.described(503), tags=["model"])
async def model(request: Request) -> dict[str, Any]:
    """The model's card: which one it is, what it learned from and how well it did beside others."""
    current = runtime(request)
    scorer = current.ready()
    return {**scorer.name.model_dump(), "registration": current.registration, "manifest": scorer.model.manifest}


@router.get("/distribution", responses=problems.described(422, 503), tags=["model"])
async def distribution(repository: str, request: Request) -> Distribution:
    """How the past pull requests of a repository scored; that of all where it isn't known."""
    fitted = runtime(request).ready().model
    found = fitted.distribution(repository)
    return Distribution(
        repository=repository,
        known=found.known,
        levels=list(found.levels),
        scores=list(found.scores),
        threshold=fitted.threshold,
        high=fitted.high,
    )


@router.get("/", include_in_schema=False)
async def page() -> Response:
    """The page for people."""
    return FileResponse(PAGE / "index.html", media_type="text/html")


@router.get("/page/{name}", include_in_schema=False)
async def page_file(name: str) -> Response:
    """What the page is made of."""
    if name not in PAGE_FILES:
        return problems.problem(404, "There is no such file.")
    return FileResponse(PAGE / name, media_type=PAGE_FILES[name])


def runtime(request: Request) -> Runtime:
    """What this application's answers come from."""
    found: Runtime = request.app.state.runtime
    return found


def create(settings: Callable[[], ServeSettings] = lambda: load(ServeSettings)) -> FastAPI:
    """The application; its settings are read when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings()) as current:
            app.state.runtime = current
            yield

    app = FastAPI(
        title="PR Sentinel",
        description="Says how unusual pull requests are for their repository, and why.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )

    def named() -> Mapping[str, str]:
        scorer = app.state.runtime.scorer
        return _headers(scorer.name) if scorer else {}

    problems.install(app)
    app.include_router(router)
    app.add_middleware(Boundary, named=named)
    return app


def _headers(name: ModelName) -> dict[str, str]:
    return {"X-Model": f"{name.name}:{name.version}", "X-Model-Digest": name.digest}


def _answer(name: ModelName, scored: list[Scored], **more: Any) -> Response:
    content = {"model": name.model_dump(), "results": [one.result.model_dump() for one in scored], **more}
    return Response(orjson.dumps(content), media_type="application/json")
