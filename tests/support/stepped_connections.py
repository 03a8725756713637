"""A worker's connections without a network, on a loop whose time the test moves on."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any
from unittest.mock import Mock

import uvicorn
from uvicorn.server import ServerState

from steps.serve.http.connections import LimitedProtocol

CALLER, ANOTHER = ("192.0.2.1", 4_000), ("192.0.2.2", 4_000)


class Timer:
    """What a loop does later."""

    def __init__(self, at: float, call: Callable[[], Any]) -> None:
        self.at = at
        self.call = call
        self.is_over = False

    def cancel(self) -> None:
        """Don't do it."""
        self.is_over = True


class Loop:
    """An event loop whose time moves by `advance` only, and which begins no task."""

    def __init__(self) -> None:
        self.now = 100.0
        self._timers: list[Timer] = []

    @property
    def timers(self) -> list[Timer]:
        """Those that are left."""
        return [one for one in self._timers if not one.is_over]

    def time(self) -> float:
        """Its time."""
        return self.now

    def call_later(self, delay: float, call: Callable[..., Any], *given: Any) -> Timer:
        """Note it."""
        self._timers.append(Timer(self.now + delay, lambda: call(*given)))
        return self._timers[-1]

    def create_task(self, task: Coroutine[Any, Any, None], **_: Any) -> Mock:
        """A task that is never done: the test answers in place of the application."""
        task.close()
        return Mock()

    def advance(self, seconds: float) -> None:
        """Move the time on, and do what is due."""
        until = self.now + seconds
        while due := [one for one in self.timers if one.at <= until]:
            first = min(due, key=lambda one: one.at)
            self.now, first.is_over = first.at, True
            first.call()
        self.now = until


class Transport:
    """A connection to a caller, with what was written to it."""

    def __init__(self, caller: tuple[str, int] | None) -> None:
        self._caller = caller
        self.written = b""
        self.unread = 0
        self.is_closed = self.is_aborted = False

    def get_extra_info(self, name: str) -> Any:
        """Its two ends."""
        return {"peername": self._caller, "sockname": ("127.0.0.1", 3_000)}.get(name)

    def write(self, data: bytes) -> None:
        """Note it."""
        assert not self.is_closed
        self.written += data

    def get_write_buffer_size(self) -> int:
        """The number of bytes that the caller has not read."""
        return self.unread

    def is_closing(self) -> bool:
        """Whether it is."""
        return self.is_closed

    def close(self) -> None:
        """Close it once all is read."""
        self.is_closed = True

    def abort(self) -> None:
        """Close it at once."""
        self.is_closed = self.is_aborted = True

    def pause_reading(self) -> None:
        """Nothing to pause."""

    def resume_reading(self) -> None:
        """Nothing to resume."""

    @property
    def state(self) -> str:
        """Open, closed once all is read, or aborted."""
        return "aborted" if self.is_aborted else "closed" if self.is_closed else "open"


class Server:
    """The worker's connections on one loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        self._config = config
        self.loop = Loop()
        self.state = ServerState()

    def connect(self, caller: tuple[str, int] | None = CALLER) -> "Connection":
        """A new connection of a caller."""
        return Connection(self, self._config, caller)


class Connection:
    """A connection as the service and its caller see it."""

    def __init__(self, server: Server, config: uvicorn.Config, caller: tuple[str, int] | None) -> None:
        loop: Any = server.loop
        transport: Any = Transport(caller)
        self.transport: Transport = transport
        self.protocol = LimitedProtocol(config, server.state, {}, loop)
        self.protocol.connection_made(transport)

    @property
    def state(self) -> str:
        """Open, closed, or aborted."""
        return self.transport.state

    def send(self, data: bytes) -> None:
        """Send bytes as the caller."""
        self.protocol.data_received(data)

    def answer(self, *events: dict[str, Any]) -> None:
        """Send events of a response as the application."""

        async def send() -> None:
            for event in events:
                await self.protocol.cycle.send(event)  # type: ignore[arg-type]

        asyncio.run(send())

    def read_problem(self) -> dict[str, Any]:
        """The problem document that was written; the connection is closed after it."""
        head, _, content = self.transport.written.rpartition(b"\r\n\r\n")
        assert self.transport.is_closed
        assert b"connection: close" in head.lower()
        assert b"content-type: application/problem+json" in head.lower()
        assert b"content-length: %d\r\n" % len(content) in head.lower() + b"\r\n"
        return dict(json.loads(content))
