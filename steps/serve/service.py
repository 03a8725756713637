"""The BentoML service around the application, for `bentoml serve` and `bentoml build`."""

from typing import Any, cast

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from steps.serve import logs
from steps.serve.app import create_app

app = create_app()


class DirectRoutingMiddleware:
    """ASGI middleware that passes every request to the application, and none to BentoML's own routes.

    Their responses lack the model's headers and RFC 9457 problems.
    """

    def __init__(self, app: ASGIApp, application: ASGIApp) -> None:
        self._bentoml = app
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        await (self._application if scope["type"] == "http" else self._bentoml)(scope, receive, send)


@bentoml.service(
    name="pr-sentinel",
    workers=1,
    # http/middleware.py writes that line.
    logging={"access": {"enabled": False}},
    # BentoML's have a series for every requested path; http/health.py serves ours at the same route.
    metrics={"enabled": False},
    # Nothing collects traces, and they cost more than anything else around a score.
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(app, path="/")
class ModelServing:
    """Scores pull requests with the model in the same Bento."""

    def __init__(self) -> None:
        logs.configure()


cast(Any, ModelServing).add_asgi_middleware(
    DirectRoutingMiddleware, application=app
)  # the decorator returns a BentoML service
