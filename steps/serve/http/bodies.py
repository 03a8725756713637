"""Reading request bodies: JSON only, limited in size and time, and in what all of them take in memory."""

import asyncio
from contextlib import AsyncExitStack

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from steps.serve.contract import MAX_BODY_BYTES
from steps.serve.http.problems import RequestRefused

LARGE_BYTES = 2**20
MAX_SMALL_TOTAL_BYTES = 16 * 2**20
"""Of all bodies up to LARGE_BYTES in memory; the pull requests in them may take ten times as much."""
MAX_LARGE_TOTAL_BYTES = 96 * 2**20
"""Of all bodies over LARGE_BYTES in memory. They are processed one at a time."""
TURN_TIMEOUT_SECONDS = 30.0
BODY_TIMEOUT_SECONDS = 50.0
GRACE_SECONDS = 10.0
MIN_BYTES_PER_SECOND = 32 * 2**10
"""A body has GRACE_SECONDS, and more time as its bytes arrive, up to BODY_TIMEOUT_SECONDS."""
DRAIN_TIMEOUT_SECONDS = 5.0
"""Time for the rest of a body that is too large: most clients read the response only after sending everything."""


class _Upload:
    """A body that is arriving or in memory; `evicted` if another one needed its memory."""

    def __init__(self, deadline: asyncio.Timeout) -> None:
        self._deadline = deadline
        self._began = asyncio.get_running_loop().time()
        self.size = 0
        self.evicted = False
        self.extend_deadline()

    @property
    def is_large(self) -> bool:
        """Return True if it counts as a large one by what has arrived."""
        return self.size > LARGE_BYTES

    def extend_deadline(self) -> None:
        """Allow more time for what has arrived."""
        allowed = min(GRACE_SECONDS + self.size / MIN_BYTES_PER_SECOND, BODY_TIMEOUT_SECONDS)
        self._deadline.reschedule(self._began + allowed)

    def evict(self) -> None:
        """End it now."""
        self.evicted = True
        if not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())


class BodyReader:
    """Reads request bodies within limits that hold for all of them together.

    Memory is counted as bytes arrive, whatever a header announces. If it is used up, the body that has been
    arriving longest gives way, so that nobody locks others out by sending slowly.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._arriving: dict[_Upload, None] = {}
        self._totals = {False: 0, True: 0}
        """Bytes of the small and of the large ones."""

    async def read(
        self, headers: Headers, receive: Receive, held: AsyncExitStack, limit: int = MAX_BODY_BYTES
    ) -> bytes:
        """Read a body of at most `limit` bytes; it counts until `held` is closed, and a large one has its turn.

        Raises:
            RequestRefused: the body is not JSON, too large, or too slow, or there is no memory for it.
            ClientDisconnect: the client has disconnected.
        """
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RequestRefused(415, "Send JSON with Content-Type: application/json.")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise RequestRefused(415, "Send the body uncompressed, without Content-Encoding.")
        if int(headers.get("content-length", "0")) > limit:
            await _drain(headers, receive)
            raise _body_too_large(limit)
        body = await self._receive_in_time(headers, receive, held, limit)
        if len(body) > LARGE_BYTES:
            await self._wait_for_turn(held)
        return body

    async def _receive_in_time(self, headers: Headers, receive: Receive, held: AsyncExitStack, limit: int) -> bytes:
        try:
            async with asyncio.timeout(None) as deadline:
                upload = _Upload(deadline)
                held.callback(self._release, upload)
                self._arriving[upload] = None
                try:
                    return await self._receive_whole(upload, headers, receive, limit)
                finally:
                    del self._arriving[upload]
        except TimeoutError:
            raise _busy() if upload.evicted else RequestRefused(408, "The body did not arrive in time.") from None

    async def _receive_whole(self, upload: _Upload, headers: Headers, receive: Receive, limit: int) -> bytes:
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
            if upload.size + len(parts[-1]) > limit:
                parts.clear()
                self._release(upload)
                await _drain(headers, receive)
                raise _body_too_large(limit)
            self._count(upload, len(parts[-1]))
        return b"".join(parts)

    def _count(self, upload: _Upload, arrived: int) -> None:
        """Count bytes of an upload, and evict others of its kind if there are too many.

        Raises:
            RequestRefused: there is no memory for it, or it was evicted itself.
        """
        if upload.evicted:
            raise _busy()
        size = upload.size + arrived
        self._release(upload)
        upload.size = size
        self._totals[upload.is_large] += size
        upload.extend_deadline()
        limit = MAX_LARGE_TOTAL_BYTES if upload.is_large else MAX_SMALL_TOTAL_BYTES
        others = (one for one in self._arriving if one is not upload and one.size and one.is_large == upload.is_large)
        while self._totals[upload.is_large] > limit:
            oldest = next(others, None)
            if oldest is None:
                raise _busy()
            self._release(oldest)
            oldest.evict()

    def _release(self, upload: _Upload) -> None:
        self._totals[upload.is_large] -= upload.size
        upload.size = 0

    async def _wait_for_turn(self, held: AsyncExitStack) -> None:
        """Wait until no other large body is processed.

        Raises:
            RequestRefused: that took too long.
        """
        try:
            async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
                await held.enter_async_context(self._turn)
        except TimeoutError:
            raise _busy() from None


def _busy() -> RequestRefused:
    detail = "The service is busy with other large requests; try again later."
    return RequestRefused(503, detail, headers={"Retry-After": "5"})


def _body_too_large(limit: int) -> RequestRefused:
    size = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit // 2**10} KiB"
    return RequestRefused(413, f"The body is larger than {size}; send less at once.")


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
