"""The service with a fault: SLOW=1, or a file /tmp/slow, lets scores wait for half a second; where /tmp/broken is, each
is an error; MUTE=1 keeps its metrics to itself.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from steps.serve.app import create_app as usual
from steps.serve.http.middleware import RequestMiddleware

BROKEN = Path("/tmp/broken")  # noqa: S108  the pod's own
SLOW = Path("/tmp/slow")  # noqa: S108


class Faulty:
    """ASGI middleware with the faults."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        path = scope.get("path")
        if path == "/score" and (os.environ.get("SLOW") or SLOW.exists()):
            await asyncio.sleep(0.5)
        if path == "/score" and BROKEN.exists():
            await PlainTextResponse("broken", 500)(scope, receive, send)
        elif path == "/metrics" and os.environ.get("MUTE"):
            await PlainTextResponse("")(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def create() -> FastAPI:
    """The application; the fault is inside of what counts requests."""
    app = usual()
    counting: Any = RequestMiddleware
    (place,) = (number for number, one in enumerate(app.user_middleware) if one.cls is counting)
    app.add_middleware(Faulty)
    app.user_middleware.insert(place, app.user_middleware.pop(place + 1))
    return app
