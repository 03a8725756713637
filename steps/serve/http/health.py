"""What whoever runs the service asks: does it live, may it be asked, what has it counted."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from steps.serve import metrics
from steps.serve.contract import Health
from steps.serve.http.problems import describe_responses

router = APIRouter(tags=["operations"])


@router.get("/livez", response_model=Health)
async def livez() -> Response:
    """Whether the process answers."""
    return JSONResponse({"status": "alive"})


@router.get("/readyz", response_model=Health, responses=describe_responses(503))
async def readyz(request: Request) -> Response:
    """Whether a model is loaded whose every file had its hash and whose golden pull requests scored as at training."""
    request.app.state.runtime.ready()
    return JSONResponse({"status": "ready"})


@router.get("/metrics", response_class=PlainTextResponse)
async def measurements() -> Response:
    """Counts and times as Prometheus reads them."""
    return Response(metrics.render(), media_type=metrics.MEDIA_TYPE)
