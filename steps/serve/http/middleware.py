"""Around every request: its body's limits, a request id, the model's name, one line in the log, one count."""

import logging
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steps.serve import metrics
from steps.serve.http.bodies import Bodies, again
from steps.serve.http.problems import Refused, problem

REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
LONGEST_PATH = 200
"""Of what the log tells of a path."""
GONE = 499
"""What the log says where the caller went away before the answer."""
QUIET = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds: only failures are worth a line."""
RawHeaders = list[tuple[bytes, bytes]]

logger = logging.getLogger(__name__)


def raw(headers: Mapping[str, str]) -> RawHeaders:
    """Headers as ASGI has them."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


SECURITY = raw(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    }
)


class Boundary:
    """ASGI middleware around the application.

    Args:
        app: the application.
        named: gives the headers that name the model.
        routes: the paths that there are, each with its methods.
    """

    def __init__(
        self,
        app: ASGIApp,
        named: Callable[[], RawHeaders],
        routes: Mapping[str, Collection[str]],
    ) -> None:
        self._app = app
        self._named = named
        self._routes = routes
        self._bodies = Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, given = time.perf_counter(), Headers(scope=scope)
        request_id = _request_id(given)
        own = [(b"x-request-id", request_id.encode()), *self._named(), *SECURITY]
        status: int | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        try:
            await self._handled(scope, receive, answer, given)
        except ClientDisconnect:
            # Nobody hears it, but BentoML keeps a request for a minute that is not answered.
            await problem(400, "The body ended before its end.")(scope, receive, answer)
            status = GONE
        except Exception as error:
            logger.exception("an answer failed", extra={"request_id": request_id, "error": type(error).__name__})
            if status:  # a part of it is sent: what is left is to end the connection
                raise
            await problem(500, f"Something went wrong; the service's log tells what, beside {request_id}.")(
                scope, receive, answer
            )
        finally:
            self._told(scope, status or GONE, request_id, started)

    async def _handled(self, scope: Scope, receive: Receive, send: Send, given: Headers) -> None:
        if scope["method"] != "POST" or "POST" not in self._routes.get(scope["path"], ()):
            await self._app(scope, receive, send)
            return
        async with AsyncExitStack() as held:
            try:
                body = await self._bodies.read(given, receive, held)
            except Refused as refused:
                await refused.answer()(scope, receive, send)
            else:
                await self._app(scope, again(body, receive), send)

    def _told(self, scope: Scope, status: int, request_id: str, started: float) -> None:
        path: str = scope["path"]
        route = path if path in self._routes else "other"
        metrics.answered(route, status, started)
        if route in QUIET and status < 400:  # noqa: PLR2004 - where problems begin
            return
        extra: dict[str, Any] = {"method": scope["method"], "path": path[:LONGEST_PATH], "status": status}
        took = {"ms": round(1000 * (time.perf_counter() - started), 2), "request_id": request_id}
        logger.info("answered", extra=extra | took)


def _request_id(given: Headers) -> str:
    """The caller's own, where it is one that can stand in a log; else a new one."""
    named = given.get("x-request-id", "")
    return named if REQUEST_ID.fullmatch(named) else secrets.token_hex(16)
