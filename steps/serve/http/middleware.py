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
from steps.serve.http.bodies import BodyReader, replay_body
from steps.serve.http.problems import RequestRefused, build_problem

REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
MAX_PATH_LENGTH = 200
"""Of what the log tells of a path."""
CLIENT_CLOSED_REQUEST = 499
"""What the log says where the caller went away before the answer."""
QUIET_ROUTES = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds: only failures are worth a line."""
RawHeaders = list[tuple[bytes, bytes]]

logger = logging.getLogger(__name__)


def encode_headers(headers: Mapping[str, str]) -> RawHeaders:
    """Headers as ASGI has them."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


SECURITY_HEADERS = encode_headers(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    }
)


class RequestMiddleware:
    """ASGI middleware around the application.

    Args:
        app: the application.
        named: gives the headers that name the model.
        routes: the paths that there are, each with its methods.
    """

    def __init__(
        self,
        app: ASGIApp,
        get_model_headers: Callable[[], RawHeaders],
        routes: Mapping[str, Collection[str]],
    ) -> None:
        self._app = app
        self._get_model_headers = get_model_headers
        self._routes = routes
        self._bodies = BodyReader()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, headers = time.perf_counter(), Headers(scope=scope)
        request_id = _choose_request_id(headers)
        added = [(b"x-request-id", request_id.encode()), *self._get_model_headers(), *SECURITY_HEADERS]
        status: int | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        try:
            await self._forward(scope, receive, send_with_headers, headers)
        except ClientDisconnect:
            # Nobody hears it, but BentoML keeps a request for a minute that is not answered.
            await build_problem(400, "The body ended before its end.")(scope, receive, send_with_headers)
            status = CLIENT_CLOSED_REQUEST
        except Exception as error:
            logger.exception("an answer failed", extra={"request_id": request_id, "error": type(error).__name__})
            if status:  # a part of it is sent: what is left is to end the connection
                raise
            await build_problem(500, f"Something went wrong; the service's log tells what, beside {request_id}.")(
                scope, receive, send_with_headers
            )
        finally:
            self._record(scope, status or CLIENT_CLOSED_REQUEST, request_id, started)

    async def _forward(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        if scope["method"] != "POST" or "POST" not in self._routes.get(scope["path"], ()):
            await self._app(scope, receive, send)
            return
        async with AsyncExitStack() as held:
            try:
                body = await self._bodies.read(headers, receive, held)
            except RequestRefused as refused:
                await refused.to_response()(scope, receive, send)
            else:
                await self._app(scope, replay_body(body, receive), send)

    def _record(self, scope: Scope, status: int, request_id: str, started: float) -> None:
        path: str = scope["path"]
        route = path if path in self._routes else "other"
        metrics.count_request(route, status, started)
        if route in QUIET_ROUTES and status < 400:  # noqa: PLR2004 - where problems begin
            return
        extra: dict[str, Any] = {"method": scope["method"], "path": path[:MAX_PATH_LENGTH], "status": status}
        took = {"ms": round(1000 * (time.perf_counter() - started), 2), "request_id": request_id}
        logger.info("answered", extra=extra | took)


def _choose_request_id(headers: Headers) -> str:
    """The caller's own, where it is one that can stand in a log; else a new one."""
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
