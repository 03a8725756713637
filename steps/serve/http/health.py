"""Endpoints for operators: liveness, readiness, metrics."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from steps.serve import metrics
from steps.serve.contract import Health
from steps.serve.http.problems import describe_responses

router = APIRouter(tags=["operations"])


@router.get("/livez", response_model=Health)
async def livez() -> Response:
    """Return 200 while the process answers."""
    return JSONResponse({"status": "alive"})


@router.get("/readyz", response_model=Health, responses=describe_responses(503))
async def readyz(request: Request) -> Response:
    """Return 200 if a model is loaded whose file hashes and golden pull requests passed their checks."""
    request.app.state.runtime.ready()
    return JSONResponse({"status": "ready"})


@router.get("/metrics", response_class=PlainTextResponse)
async def measurements(request: Request) -> Response:
    """Return metrics in Prometheus' text format, or in OpenMetrics' if the client accepts it."""
    content, media_type = metrics.render(request.headers.get("accept", ""))
    return Response(content, media_type=media_type)
