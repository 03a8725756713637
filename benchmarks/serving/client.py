"""A small HTTP client with little overhead: sends at full speed, or at a fixed rate regardless of the answers.

At a fixed rate, times count from when a request was due, so that a stall shows in all requests that waited for it.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice, takewhile

LOOPBACK = "127.0.0.1"
MAX_CONNECTIONS = 256
OK = b"HTTP/1.1 200"


@dataclass
class Figures:
    """The times of correct answers [ms], and the number of failures."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def rate(self) -> float:
        """Correct answers per second."""
        return len(self.times) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the time [ms] within which a share of the answers arrived."""
        return sorted(self.times)[math.ceil(share * len(self.times)) - 1] if self.times else math.nan


class ClientConnection(asyncio.Protocol):
    """A persistent connection for one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what TCP gives
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Assemble an answer."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if found and len(body) >= _content_length(head) and self._answer and not self._answer.done():
            self._answer.set_result(self._received)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail a pending request."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())

    async def send(self, request: bytes) -> bytes:
        """Send a request and return the whole answer."""
        assert self._transport  # noqa: S101 - it was made
        self._received, self._answer = b"", asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        assert self._transport  # noqa: S101 - it was made
        self._transport.close()


def _content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0])


def build_request(port: int, body: bytes, path: str = "/score") -> bytes:
    """Build the bytes of a POST request."""
    head = f"POST {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def connect(port: int) -> ClientConnection:
    """Open a new connection."""
    _, connection = await asyncio.get_running_loop().create_connection(ClientConnection, LOOPBACK, port)
    return connection


async def saturate(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> Figures:
    """Send continuously on every connection for some seconds."""
    end = time.perf_counter() + seconds
    return await _send_all(port, takewhile(lambda _: time.perf_counter() < end, cycle(requests)), connections)


async def send(port: int, requests: Sequence[bytes], count: int, connections: int) -> Figures:
    """Send a number of requests, continuously on every connection."""
    return await _send_all(port, islice(cycle(requests), count), connections)


async def _send_all(port: int, requests: Iterator[bytes], connections: int) -> Figures:
    figures = Figures()

    async def use() -> None:
        connection = await connect(port)
        for sent in requests:
            begin = time.perf_counter()
            _count(figures, await connection.send(sent), begin)
        connection.close()

    begin = time.perf_counter()
    await asyncio.gather(*(use() for _ in range(connections)))
    figures.seconds = time.perf_counter() - begin
    return figures


async def at_rate(port: int, requests: Sequence[bytes], seconds: float, rate: float) -> Figures:
    """Send requests at a fixed rate, each on an idle or a new connection."""
    figures, idle, running = Figures(), deque[ClientConnection](), set[asyncio.Task[None]]()
    begin = time.perf_counter()
    for place, sent in zip(range(int(seconds * rate)), cycle(requests), strict=False):
        due = begin + place / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        task = asyncio.create_task(_send_one(port, sent, due, idle, figures))
        running.add(task)
        task.add_done_callback(running.discard)
        if len(running) > MAX_CONNECTIONS:
            raise RuntimeError(f"more than {MAX_CONNECTIONS} requests have no answer yet")
    await asyncio.gather(*running)
    figures.seconds = time.perf_counter() - begin
    for connection in idle:
        connection.close()
    return figures


async def _send_one(port: int, sent: bytes, due: float, idle: deque[ClientConnection], figures: Figures) -> None:
    connection = idle.pop() if idle else await connect(port)
    _count(figures, await connection.send(sent), due)
    idle.append(connection)


def _count(figures: Figures, answer: bytes, begin: float) -> None:
    if answer.startswith(OK):
        figures.times.append(1_000 * (time.perf_counter() - begin))
    else:
        figures.failures += 1
