"""How much of a request's body is read, and how: JSON only, up to a limit, in time, a few large ones at once."""

import asyncio
from contextlib import AsyncExitStack

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from steps.serve.contract import MOST_BYTES
from steps.serve.http.problems import Refused

LARGE_BYTES = 2**20
MOST_LARGE = 4
"""Bodies that are larger than that, and in memory at the same time."""
TURN_SECONDS = 10.0
BODY_SECONDS = 50.0
"""For a body to come, its turn included."""
DRAIN_SECONDS = 5.0
"""For the rest of a body that is too large: most callers read no answer before they have sent all."""


class Bodies:
    """Reads bodies for as long as their requests are worked on."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(MOST_LARGE)

    async def read(self, given: Headers, receive: Receive, held: AsyncExitStack) -> bytes:
        """Read a body; a large one counts as one of those in memory for as long as it is `held`.

        Raises:
            Refused: it is not what it should be.
            ClientDisconnect: the caller has gone.
        """
        if given.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(415, "Send JSON, with Content-Type: application/json.")
        if given.get("content-encoding", "identity").lower() != "identity":
            raise Refused(415, "Send the body as it is, without Content-Encoding.")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._whole(given, receive, held)
        except TimeoutError:
            raise Refused(408, "The body did not come in time.") from None

    async def _whole(self, given: Headers, receive: Receive, held: AsyncExitStack) -> bytes:
        announced = int(given.get("content-length", "0"))
        if announced > MOST_BYTES:
            await _drain(given, receive)
            raise _too_large()
        parts: list[bytes] = []
        size, large = 0, False
        more = True
        while more:
            if not large and max(size, announced) > LARGE_BYTES:
                large = True
                await self._turn(held)
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
            if size > MOST_BYTES:
                parts.clear()
                await _drain(given, receive)
                raise _too_large()
        return b"".join(parts)

    async def _turn(self, held: AsyncExitStack) -> None:
        """Wait until few enough large bodies are in memory.

        Raises:
            Refused: that takes too long.
        """
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await held.enter_async_context(self._turns)
        except TimeoutError:
            said = "Other large requests are being worked on."
            raise Refused(503, said, headers={"Retry-After": "5"}) from None


def _too_large() -> Refused:
    return Refused(413, f"A body may have {MOST_BYTES // 2**20} MiB; send fewer pull requests at once.")


async def _drain(given: Headers, receive: Receive) -> None:
    """Read what still comes and forget it; whoever asks first whether to send it is told no at once."""
    if given.get("expect", "").lower() == "100-continue":
        return
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        pass


def again(body: bytes, receive: Receive) -> Receive:
    """The body in one message, then whatever else comes."""
    unread = True

    async def read() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return read
