"""Around every request: limits, a request id, the model's name, one line in the log."""

import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steps.serve.contract import MOST_BYTES
from steps.serve.problems import problem

REQUEST_ID = re.compile(r"[\w.-]{1,64}")
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
TOO_LARGE = f"A body may have {MOST_BYTES // 2**20} MiB; send fewer pull requests at once."
NOT_JSON = "Send JSON, with Content-Type: application/json."

logger = logging.getLogger(__name__)


class TooLarge(Exception):
    """A body over the limit."""


class Boundary:
    """ASGI middleware around the application.

    `named` gives the headers that name the model.
    """

    def __init__(self, app: ASGIApp, named: Callable[[], Mapping[str, str]]) -> None:
        self._app = app
        self._named = named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, given = time.perf_counter(), Headers(scope=scope)
        request_id = _request_id(given)
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update({"X-Request-Id": request_id, **self._named(), **SECURITY})
            await send(message)

        try:
            await self._checked(scope, receive, answer, given)
        finally:
            extra = {"method": scope["method"], "path": scope["path"], "status": status, "request_id": request_id}
            logger.info("answered", extra=extra | {"ms": round(1000 * (time.perf_counter() - started), 2)})

    async def _checked(self, scope: Scope, receive: Receive, send: Send, given: Headers) -> None:
        if scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        if given.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            await problem(415, NOT_JSON)(scope, receive, send)
            return
        try:
            body = await _whole(receive, given)
        except TooLarge:
            await problem(413, TOO_LARGE, headers={"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)


def _request_id(given: Headers) -> str:
    """The caller's own, where it is one that can stand in a log; else a new one."""
    named = given.get("x-request-id", "")
    return named if REQUEST_ID.fullmatch(named) else uuid.uuid4().hex


async def _whole(receive: Receive, given: Headers) -> bytes:
    """The body, read no further than the limit."""
    length = given.get("content-length", "0")
    if not length.isdecimal() or int(length) > MOST_BYTES:
        raise TooLarge
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise TooLarge
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body in one message, then whatever else comes."""
    unread = True

    async def read() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return read
