"""How much of a request's body is read, and how: JSON only, up to a limit, in time, a few large ones at once."""

import asyncio
from contextlib import AsyncExitStack

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from steps.serve.contract import MAX_BODY_BYTES
from steps.serve.http.problems import RequestRefused

LARGE_BYTES = 2**20
MAX_LARGE_BODIES = 4
"""Bodies that are larger than that, and in memory at the same time."""
TURN_TIMEOUT_SECONDS = 10.0
BODY_TIMEOUT_SECONDS = 50.0
"""For a body to come, its turn included."""
DRAIN_TIMEOUT_SECONDS = 5.0
"""For the rest of a body that is too large: most callers read no answer before they have sent all."""


class BodyReader:
    """Reads bodies for as long as their requests are worked on."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(MAX_LARGE_BODIES)

    async def read(self, headers: Headers, receive: Receive, held: AsyncExitStack) -> bytes:
        """Read a body; a large one counts as one of those in memory for as long as it is `held`.

        Raises:
            Refused: it is not what it should be.
            ClientDisconnect: the caller has gone.
        """
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RequestRefused(415, "Send JSON, with Content-Type: application/json.")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise RequestRefused(415, "Send the body as it is, without Content-Encoding.")
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                return await self._read_whole(headers, receive, held)
        except TimeoutError:
            raise RequestRefused(408, "The body did not come in time.") from None

    async def _read_whole(self, headers: Headers, receive: Receive, held: AsyncExitStack) -> bytes:
        content_length = int(headers.get("content-length", "0"))
        if content_length > MAX_BODY_BYTES:
            await _drain(headers, receive)
            raise _too_large()
        parts: list[bytes] = []
        size, large = 0, False
        more = True
        while more:
            if not large and max(size, content_length) > LARGE_BYTES:
                large = True
                await self._wait_for_turn(held)
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
            if size > MAX_BODY_BYTES:
                parts.clear()
                await _drain(headers, receive)
                raise _too_large()
        return b"".join(parts)

    async def _wait_for_turn(self, held: AsyncExitStack) -> None:
        """Wait until few enough large bodies are in memory.

        Raises:
            Refused: that takes too long.
        """
        try:
            async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
                await held.enter_async_context(self._turns)
        except TimeoutError:
            detail = "Other large requests are being worked on."
            raise RequestRefused(503, detail, headers={"Retry-After": "5"}) from None


def _too_large() -> RequestRefused:
    return RequestRefused(413, f"A body may have {MAX_BODY_BYTES // 2**20} MiB; send fewer pull requests at once.")


async def _drain(headers: Headers, receive: Receive) -> None:
    """Read what still comes and forget it; whoever asks first whether to send it is told no at once."""
    if headers.get("expect", "").lower() == "100-continue":
        return
    try:
        async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        pass


def replay_body(body: bytes, receive: Receive) -> Receive:
    """The body in one message, then whatever else comes."""
    unread = True

    async def read() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return read
