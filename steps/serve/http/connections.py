"""Connections with limits: of their number, in all and for one caller, and of the time that a silent one stays open.

uvicorn waits for a request's first line and headers as long as they take. A client that is slow, or silent, or does not
read its response, would keep its connection, and enough of those would leave no room for others.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from steps.serve.http.phrases import get_phrase
from steps.serve.http.problems import MEDIA_TYPE, build_problem

MAX_CONNECTIONS = 512
MAX_CONNECTIONS_PER_CALLER = 256
"""Per address: a reverse proxy is one caller, and nobody can take all connections."""
HEADER_SECONDS = 10.0
"""Time for a request's first line and headers, from the beginning of the connection or of the request."""
STALL_SECONDS = 20.0
"""Time in which a client must read a part of its response."""
CLOSE_SECONDS = 5.0
"""Time to send what is left when a connection is closed."""
MAX_SMALL_CHUNKS = 1_000
"""Of a body that comes in chunks: each takes as long to parse as a large one, and nobody is answered meanwhile."""
CHUNK_BYTES = 512
"""A body may have one more chunk for so many of its bytes."""


class _Connection(h11.Connection):
    """h11's parser, which takes no body in many small chunks."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER)
        self._chunks = self._size = 0

    def next_event(self) -> Any:
        """Return the next event.

        Raises:
            RemoteProtocolError: what the client sends is not HTTP, or a body in small chunks.
        """
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = self._size = 0
        elif isinstance(event, h11.Data):
            self._chunks += event.chunk_end
            self._size += len(event.data)
            if self._chunks > MAX_SMALL_CHUNKS + self._size // CHUNK_BYTES:
                raise h11.RemoteProtocolError("the chunks are too small")
        return event


class LimitedProtocol(H11Protocol):
    """HTTP/1.1 with limits; when they are reached, the client that has kept the service waiting longest gives way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _Connection()
        self._waiting_since = 0.0
        self._header_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, and drop another one if there are too many."""
        super().connection_made(transport)
        self._waiting_since = self.loop.time()
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._end_late_request)
        host = self.client[0] if self.client else ""
        every = [one for one in self.connections if isinstance(one, LimitedProtocol)]
        callers = [one for one in every if one.client and one.client[0] == host]
        if len(callers) > MAX_CONNECTIONS_PER_CALLER:
            self._make_room(callers)
        elif len(every) > MAX_CONNECTIONS:
            self._make_room(every)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._stop_timers()
        super().connection_lost(exc)

    def is_waiting_for_client(self) -> bool:
        """Return True if the client has the next move: a request, the rest of its body, or reading the response."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body or self.flow.write_paused

    def drop(self) -> None:
        """Close the connection at once; a request whose body is arriving ends as if the client had gone."""
        self.connections.discard(self)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes; those that don't complete a request in time end the connection."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._cancel_header_timer()
        elif self._header_timer is None and not self.transport.is_closing():
            self._header_timer = self.loop.call_later(HEADER_SECONDS, self._end_late_request)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._waiting_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Watch a client that does not read."""
        super().pause_writing()
        self._watch_stall(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """End the watch."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even if its client has not read everything."""
        super().timeout_keep_alive_handler()
        self._abort_later()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP with a problem document."""
        self._refuse(400, msg)

    def _make_room(self, crowd: "list[LimitedProtocol]") -> None:
        silent = [one for one in crowd if one is not self and one.is_waiting_for_client()]
        if silent:
            min(silent, key=lambda one: one._waiting_since).drop()
        else:
            self._refuse(503, "The service has too many connections; try again later.")

    def _end_late_request(self) -> None:
        self._header_timer = None
        if self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:
            self._refuse(408, "The request did not arrive in time.")
        else:
            self.transport.close()
            self._abort_later()

    def _refuse(self, status: int, detail: str) -> None:
        """Answer with a problem document, if that is still possible, and close the connection."""
        response = build_problem(status, detail)
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            length = str(len(response.body)).encode()
            headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", length), (b"connection", b"close")]
            for event in (
                h11.Response(status_code=status, headers=headers, reason=get_phrase(status).encode()),
                h11.Data(data=bytes(response.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> None:
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def _watch_stall(self, unread: int) -> None:
        self._stall_timer = self.loop.call_later(STALL_SECONDS, self._check_progress, unread)

    def _check_progress(self, before: int) -> None:
        unread = self.transport.get_write_buffer_size()
        if unread < before:
            self._watch_stall(unread)
        else:
            self.drop()

    def _cancel_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_timers(self) -> None:
        self._cancel_header_timer()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
