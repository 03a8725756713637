"""Callers in a test who send a body in parts."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

from starlette.datastructures import Headers
from starlette.types import Message

from steps.serve.contract import MAX_BODY_BYTES
from steps.serve.http.bodies import BodyReader

MEGABYTE = b" " * 2**20
JSON = {"content-type": "application/json"}


class Sender:
    """A caller who sends parts of a body."""

    def __init__(self, *parts: bytes, then: str = "http.request", pause: float = 0) -> None:
        self._pause = pause
        self._parts: Iterator[bytes] = iter(parts)
        self._left = len(parts)
        self._then = then
        self.sent = 0

    async def receive(self) -> Message:
        """The next part; after the last, the caller waits for its answer, or goes."""
        await asyncio.sleep(self._pause)
        part = next(self._parts, None)
        if part is None:
            if self._then == "silence":
                await asyncio.Event().wait()
            return {"type": self._then}
        self._left -= 1
        self.sent += 1
        return {"type": "http.request", "body": part, "more_body": self._left > 0 or self._then != "http.request"}


def read(sender: Sender, **headers: str) -> bytes:
    """What is read of a caller's body."""

    async def one() -> bytes:
        async with AsyncExitStack() as held:
            return await BodyReader().read(Headers(JSON | headers), sender.receive, held)

    return asyncio.run(one())


async def keep(reader: BodyReader, held: AsyncExitStack, *parts: bytes, limit: int = MAX_BODY_BYTES) -> bytes:
    """Read a body that stays in memory until `held` is closed."""
    return await reader.read(Headers(JSON), Sender(*parts).receive, held, limit)
