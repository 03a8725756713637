"""A small HTTP client that costs little beside what it measures: as fast as it goes, or at a rate whatever comes back.

At a rate, times count from when a request was due, so that a stall shows in all that had to wait for it.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice, takewhile

LOOPBACK = "127.0.0.1"
MOST_CONNECTIONS = 256
OK = b"HTTP/1.1 200"


@dataclass
class Figures:
    """What came back, in milliseconds."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return len(self.times) / self.seconds

    def percentile(self, share: float) -> float:
        """The time within which this share of the answers came."""
        return sorted(self.times)[math.ceil(share * len(self.times)) - 1] if self.times else math.nan


class Connection(asyncio.Protocol):
    """One connection that is kept open, for one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what TCP gives
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Put an answer together."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head) and self._answer and not self._answer.done():
            self._answer.set_result(self._received)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())

    async def ask(self, request: bytes) -> bytes:
        """Send a request and wait for the whole answer."""
        assert self._transport  # noqa: S101 - it was made
        self._received, self._answer = b"", asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """End it."""
        assert self._transport  # noqa: S101 - it was made
        self._transport.close()


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0])


def request(port: int, body: bytes, path: str = "/score") -> bytes:
    """A POST as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def connect(port: int) -> Connection:
    """A new connection."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, LOOPBACK, port)
    return connection


async def saturate(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> Figures:
    """For some time send on every connection, the next as soon as there is an answer."""
    end = time.perf_counter() + seconds
    return await _without_pause(port, takewhile(lambda _: time.perf_counter() < end, cycle(requests)), connections)


async def send(port: int, requests: Sequence[bytes], count: int, connections: int) -> Figures:
    """The same for so many requests."""
    return await _without_pause(port, islice(cycle(requests), count), connections)


async def _without_pause(port: int, requests: Iterator[bytes], connections: int) -> Figures:
    figures = Figures()

    async def use() -> None:
        connection = await connect(port)
        for sent in requests:
            begin = time.perf_counter()
            _count(figures, await connection.ask(sent), begin)
        connection.close()

    begin = time.perf_counter()
    await asyncio.gather(*(use() for _ in range(connections)))
    figures.seconds = time.perf_counter() - begin
    return figures


async def at_rate(port: int, requests: Sequence[bytes], seconds: float, rate: float) -> Figures:
    """Send one at each tick, on a connection that is free or a new one."""
    figures, idle, running = Figures(), deque[Connection](), set[asyncio.Task[None]]()
    begin = time.perf_counter()
    for place, sent in zip(range(int(seconds * rate)), cycle(requests), strict=False):
        due = begin + place / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        task = asyncio.create_task(_one(port, sent, due, idle, figures))
        running.add(task)
        task.add_done_callback(running.discard)
        if len(running) > MOST_CONNECTIONS:
            raise RuntimeError(f"{MOST_CONNECTIONS} requests are without an answer")
    await asyncio.gather(*running)
    figures.seconds = time.perf_counter() - begin
    for connection in idle:
        connection.close()
    return figures


async def _one(port: int, sent: bytes, due: float, idle: deque[Connection], figures: Figures) -> None:
    connection = idle.pop() if idle else await connect(port)
    _count(figures, await connection.ask(sent), due)
    idle.append(connection)


def _count(figures: Figures, answer: bytes, begin: float) -> None:
    if answer.startswith(OK):
        figures.times.append(1_000 * (time.perf_counter() - begin))
    else:
        figures.failures += 1
