"""Reading request bodies: JSON only, limited in size, time, and the number of large ones in memory."""

import asyncio
from contextlib import AsyncExitStack

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from steps.serve.contract import MAX_BODY_BYTES
from steps.serve.http.problems import RequestRefused

LARGE_BYTES = 2**20
MAX_LARGE_BODIES = 4
"""Bodies over LARGE_BYTES in memory at the same time."""
TURN_TIMEOUT_SECONDS = 10.0
BODY_TIMEOUT_SECONDS = 50.0
"""Time to receive a body, including the wait for its turn."""
DRAIN_TIMEOUT_SECONDS = 5.0
"""Time for the rest of a body that is too large: most clients read the response only after sending everything."""


class BodyReader:
    """Reads request bodies, and limits how many large ones are in memory."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(MAX_LARGE_BODIES)

    async def read(self, headers: Headers, receive: Receive, held: AsyncExitStack) -> bytes:
        """Read a body; a large one occupies a slot until `held` is closed.

        Raises:
            RequestRefused: the body is not JSON, too large, or too slow.
            ClientDisconnect: the client has disconnected.
        """
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RequestRefused(415, "Send JSON with Content-Type: application/json.")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise RequestRefused(415, "Send the body uncompressed, without Content-Encoding.")
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                return await self._read_whole(headers, receive, held)
        except TimeoutError:
            raise RequestRefused(408, "The body did not arrive in time.") from None

    async def _read_whole(self, headers: Headers, receive: Receive, held: AsyncExitStack) -> bytes:
        content_length = int(headers.get("content-length", "0"))
        if content_length > MAX_BODY_BYTES:
            await _drain(headers, receive)
            raise _body_too_large()
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
                raise _body_too_large()
        return b"".join(parts)

    async def _wait_for_turn(self, held: AsyncExitStack) -> None:
        """Wait for a slot for a large body.

        Raises:
            RequestRefused: no slot became free in time.
        """
        try:
            async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
                await held.enter_async_context(self._turns)
        except TimeoutError:
            detail = "The service is busy with other large requests; try again later."
            raise RequestRefused(503, detail, headers={"Retry-After": "5"}) from None


def _body_too_large() -> RequestRefused:
    return RequestRefused(
        413, f"The body is larger than {MAX_BODY_BYTES // 2**20} MiB; send fewer pull requests at once."
    )


async def _drain(headers: Headers, receive: Receive) -> None:
    """Read and discard the rest, unless the client waits for 100-continue before sending it."""
    if headers.get("expect", "").lower() == "100-continue":
        return
    try:
        async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        pass


def replay_body(body: bytes, receive: Receive) -> Receive:
    """Return a receive function that replays a body in one message, then forwards to `receive`."""
    unread = True

    async def read() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return read
