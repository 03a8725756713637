"""The BentoML service: it frames the application."""

from typing import Any, cast

import bentoml
from bentoml._internal.server.http import traffic
from starlette.types import ASGIApp, Receive, Scope, Send

from steps.serve import logs
from steps.serve.app import create_app

app = create_app()


class DirectRoutingMiddleware:
    """ASGI middleware that hands every request to the application, and none to BentoML's own routes.

    Their answers name no model, and know no problems after RFC 9457.
    """

    def __init__(self, app: ASGIApp, application: ASGIApp) -> None:
        self._bentoml = app
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        await (self._application if scope["type"] == "http" else self._bentoml)(scope, receive, send)


class NoTimeoutMiddleware:
    """ASGI middleware in place of BentoML's time limit, which leaves a timer behind for a minute at every request.

    The application has limits where something may take long: a body to come, MongoDB, GitHub.
    """

    def __init__(self, app: ASGIApp, timeout: float) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        await self._app(scope, receive, send)


traffic.TimeoutMiddleware = NoTimeoutMiddleware  # type: ignore[assignment,misc]  # there is no setting for none


@bentoml.service(
    name="pr-sentinel",
    workers=1,
    # http/middleware.py writes that line.
    logging={"access": {"enabled": False}},
    # BentoML's have a series for each path that anybody asks for; health.py shows ours at the same place.
    metrics={"enabled": False},
    # Nothing collects traces, and they take longer than all else around a score.
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(app, path="/")
class ModelServing:
    """Scores pull requests by the model that stands beside it."""

    def __init__(self) -> None:
        logs.configure()


cast(Any, ModelServing).add_asgi_middleware(
    DirectRoutingMiddleware, application=app
)  # the decorator makes it BentoML's own class
