"""Middleware around every request: limits of the body, request id, the model's headers, access log, metrics."""

import logging
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, AsyncExitStack
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steps.common.tracing import NO_SPAN, Span
from steps.serve import metrics, spans
from steps.serve.contract import CHECK_HEADER, MAX_BODY_BYTES
from steps.serve.http.bodies import LARGE_BYTES, BodyReader, replay_body
from steps.serve.http.problems import RequestRefused, build_problem

REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
MAX_PATH_LENGTH = 200
"""Characters of a path that are logged."""
CLIENT_CLOSED_REQUEST = 499
"""Logged as the status if the client disconnected before the response."""
BODY_LIMITS = {"/score_url": 2**16, "/webhook": LARGE_BYTES}
"""Size limits of bodies, where they are below MAX_BODY_BYTES. A large body waits for others; a delivery never does."""
QUIET_ROUTES = frozenset({"/livez", "/readyz", "/metrics"})
"""Polled every few seconds: only failures are logged."""
RawHeaders = list[tuple[bytes, bytes]]

logger = logging.getLogger(__name__)


def encode_headers(headers: Mapping[str, str]) -> RawHeaders:
    """Encode headers for ASGI."""
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


def find_route(path: str, headers: Headers) -> str:
    """Return the route that a request is counted under: its path, or `check` for scores that checks request."""
    return metrics.CHECK if path == "/score" and CHECK_HEADER in headers else path


class RequestMiddleware:
    """ASGI middleware around the application.

    Args:
        app: the application.
        get_model_headers: returns the headers that identify the model.
        routes: the existing paths, each with its methods.
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
        headers = Headers(scope=scope)
        request_id = _choose_request_id(headers)
        with self._start_span(scope, headers, request_id) as span:
            await self._handle(scope, receive, send, headers, request_id, span)

    async def _handle(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, request_id: str, span: Span
    ) -> None:
        started = time.perf_counter()
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
            # Nobody receives it, but BentoML keeps an unanswered request for a minute.
            await build_problem(400, "The client disconnected before the end of the body.")(
                scope, receive, send_with_headers
            )
            status = CLIENT_CLOSED_REQUEST
        except Exception as error:
            logger.exception("request failed", extra={"request_id": request_id, "error": type(error).__name__})
            if status:  # part of the response is sent: all that is left is to close the connection
                raise
            await build_problem(
                500, f"Internal error; the service's log has the details under request id {request_id}."
            )(scope, receive, send_with_headers)
        finally:
            spans.describe_response(span, status or CLIENT_CLOSED_REQUEST)
            self._record(scope, headers, status or CLIENT_CLOSED_REQUEST, request_id, started)

    def _start_span(self, scope: Scope, headers: Headers, request_id: str) -> AbstractContextManager[Span]:
        path: str = scope["path"]
        if path in QUIET_ROUTES:
            return NO_SPAN
        return spans.start_request(scope, headers, path if path in self._routes else None, request_id)

    async def _forward(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        if scope["method"] != "POST" or "POST" not in self._routes.get(scope["path"], ()):
            await self._app(*_answer_head(scope, receive, send))
            return
        async with AsyncExitStack() as held:

            async def release_and_send(message: Message) -> None:
                await held.aclose()  # the client may take its time to read the response
                await send(message)

            limit = BODY_LIMITS.get(scope["path"], MAX_BODY_BYTES)
            try:
                body = await self._bodies.read(headers, receive, held, limit)
            except RequestRefused as refused:
                await refused.to_response()(scope, receive, release_and_send)
            else:
                await self._app(scope, replay_body(body, receive), release_and_send)

    def _record(self, scope: Scope, headers: Headers, status: int, request_id: str, started: float) -> None:
        path: str = scope["path"]
        route = find_route(path, headers) if path in self._routes else "other"
        metrics.count_request(route, status, started)
        if route in QUIET_ROUTES and status < 400:  # noqa: PLR2004 - where problems begin
            return
        extra: dict[str, Any] = {"method": scope["method"], "path": path[:MAX_PATH_LENGTH], "status": status}
        took = {"ms": round(1000 * (time.perf_counter() - started), 2), "request_id": request_id}
        logger.info("request", extra=extra | took)


def _answer_head(scope: Scope, receive: Receive, send: Send) -> tuple[Scope, Receive, Send]:
    """Return the arguments with which the application answers HEAD as it answers GET, without the body."""
    if scope["method"] != "HEAD":
        return scope, receive, send

    async def send_without_body(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return {**scope, "method": "GET"}, receive, send_without_body


def _choose_request_id(headers: Headers) -> str:
    """Return the client's request id if it is safe to log, else a new one."""
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
