"""The limits of connections, one by one and at their edges, by a clock that the tests move on."""

from typing import Any

import pytest
import uvicorn

from steps.serve import bento_worker
from tests.support.stepped_connections import ANOTHER, Connection, Server

LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
UPLOAD = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}


@pytest.fixture(scope="module")
def config() -> uvicorn.Config:
    """The worker's."""

    async def never(scope: Any, receive: Any, send: Any) -> None:
        """Not called."""

    found = bento_worker.build_config(never)
    found.load()
    return found


@pytest.fixture
def server(config: uvicorn.Config) -> Server:
    """A service without connections."""
    return Server(config)


BODY = {"type": "http.response.body", "body": b"ok"}


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTT"])
def test_a_request_has_ten_seconds_to_arrive(server: Server, sent: bytes) -> None:
    """A silent connection is closed without a word, and aborted if nobody takes that in."""
    connection = server.connect()
    if sent:
        connection.send(sent)
    server.loop.advance(9.9)
    assert connection.state == "open"
    server.loop.advance(0.2)
    assert connection.state == "closed"
    if sent:
        problem = connection.read_problem()
        assert (problem["status"], problem["detail"]) == (408, "The request did not arrive in time.")
    else:
        assert connection.transport.written == b""
    server.loop.advance(4.7)
    assert connection.state == "closed"
    server.loop.advance(0.3)
    assert connection.state == "aborted"
    assert server.loop.timers == []


def test_a_byte_now_and_then_does_not_win_time(server: Server) -> None:
    """Neither for the first request nor for the next one, whose time begins with its first byte."""
    connection = server.connect()
    for _ in range(9):
        connection.send(b"G")
        server.loop.advance(1)
    assert connection.state == "open"
    server.loop.advance(1)
    assert connection.state == "closed"
    connection = server.connect()
    server.loop.advance(9)
    connection.send(LIVE)
    connection.answer(START, BODY)
    for _ in range(10):
        assert connection.state == "open"
        connection.send(b"G")
        server.loop.advance(1)
    assert connection.state == "closed"
    assert connection.read_problem()["status"] == 408


def test_a_response_may_take_its_time(server: Server) -> None:
    """While the client waits, however its request came, and sends the next one already."""
    connection = server.connect()
    connection.send(LIVE[:9])
    connection.send(LIVE[9:])
    server.loop.advance(9)
    connection.send(LIVE)
    server.loop.advance(1_000)
    assert connection.state == "open"
    assert server.loop.timers == []
    connection.answer(START, BODY)
    assert server.state.total_requests == 1


def test_a_closed_connection_leaves_no_timer(server: Server) -> None:
    """Whatever came of it before, and whatever still arrives."""
    connection = server.connect()
    connection.transport.unread = 5
    connection.protocol.pause_writing()
    assert len(server.loop.timers) == 2
    connection.protocol.connection_lost(None)
    assert (server.loop.timers, server.state.connections) == ([], set())
    connection = server.connect()
    connection.send(LIVE)
    connection.answer(START | {"headers": [(b"content-length", b"2"), (b"connection", b"close")]}, BODY)
    connection.send(b"more")
    assert connection.state == "closed"
    server.loop.advance(5)
    assert (connection.state, server.loop.timers) == ("aborted", [])


def test_a_client_has_twenty_seconds_to_read_a_part(server: Server) -> None:
    """However small the part is; one that reads all is not watched any longer."""
    connection = server.connect()
    connection.send(LIVE)
    connection.transport.unread = 100
    connection.protocol.pause_writing()
    assert connection.protocol.flow.write_paused
    server.loop.advance(19.9)
    connection.transport.unread = 99
    server.loop.advance(20)
    assert connection.state == "open"
    server.loop.advance(0.2)
    assert (connection.state, server.state.connections) == ("aborted", set())
    connection = server.connect()
    connection.send(LIVE)
    connection.transport.unread = 100
    connection.protocol.pause_writing()
    connection.protocol.resume_writing()
    assert not connection.protocol.flow.write_paused
    assert server.loop.timers == []
    connection.protocol.resume_writing()
    server.loop.advance(1_000)
    assert connection.state == "open"


def test_an_idle_connection_is_closed_even_if_its_client_does_not_read(server: Server) -> None:
    """At once, and aborted five seconds later."""
    connection = server.connect()
    connection.send(LIVE)
    connection.answer(START, BODY)
    server.loop.advance(bento_worker.KEEP_ALIVE_SECONDS)
    assert connection.state == "closed"
    server.loop.advance(5)
    assert connection.state == "aborted"


def test_what_is_not_http_is_refused_once(server: Server) -> None:
    """With a problem; in the middle of a response there is no place for one."""
    connection = server.connect()
    connection.send(b"nonsense\r\n\r\n")
    assert connection.read_problem()["status"] == 400
    before = connection.transport.written
    server.loop.advance(4.9)
    assert connection.state == "closed"
    server.loop.advance(10)
    assert (connection.state, connection.transport.written) == ("aborted", before)
    connection = server.connect()
    connection.send(UPLOAD)
    connection.answer(START)
    before = connection.transport.written
    connection.send(b"zz\r\n")
    assert (connection.state, connection.transport.written) == ("closed", before)
    connection = server.connect()
    connection.send(UPLOAD + b"zz\r\n")
    assert connection.read_problem()["status"] == 400


def upload(server: Server, *chunks: tuple[int, int]) -> Connection:
    """A body in chunks: how many, and their size."""
    connection = server.connect()
    connection.send(UPLOAD)
    for count, size in chunks:
        connection.send(b"%x\r\n%s\r\n" % (size, b"a" * size) * count)
    return connection


def test_a_body_in_many_small_chunks_is_refused(server: Server) -> None:
    """Each takes as long to parse as a large one, and the service answers nobody meanwhile."""
    assert upload(server, (1_001, 1)).state == "open"
    assert upload(server, (1_002, 1)).read_problem()["status"] == 400
    assert upload(server, (5_000, 512)).state == "open"
    assert upload(server, (1, 500 * 512), (1_501, 1)).state == "open"
    assert upload(server, (1_000, 1), (3, 512)).state == "open"
    assert upload(server, (100, 512), (1_001, 1)).state == "open"
    assert upload(server, (100, 512), (1_002, 1)).state == "closed"
    connection = upload(server, (1_000, 1), (1, 0))
    connection.answer(START, BODY)
    connection.send(UPLOAD + b"1\r\na\r\n" * 1_000)
    assert connection.state == "open"
    connection = server.connect()
    connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(4_999):
        connection.send(b"a")
    assert connection.state == "open"


def test_of_one_caller_s_connections_the_256_newest_stay(server: Server) -> None:
    """Of another caller's the oldest is older, and stays."""
    other = server.connect(ANOTHER)
    own = []
    for _ in range(256):
        server.loop.advance(0.01)
        own.append(server.connect())
    assert len(server.state.connections) == 257
    newest = [server.connect() for _ in range(2)]
    assert [one.state for one in own[:3]] == ["aborted", "aborted", "open"]
    assert {one.state for one in [other, *own[2:], *newest]} == {"open"}
    assert len(server.state.connections) == 257


def test_of_all_connections_the_512_newest_stay(server: Server) -> None:
    """Whoever has been silent longest gives way, from where it ended its last request; other protocols don't count."""
    stranger: Any = object()
    server.state.connections.add(stranger)
    every = []
    for number in range(512):
        server.loop.advance(0.01)
        every.append(server.connect((f"192.0.2.{number % 4}", number)))
    assert len(server.state.connections) == 513
    every[0].send(LIVE)
    every[0].answer(START, BODY)
    newcomer = server.connect(("192.0.2.9", 1))
    assert [one.state for one in every[:3]] == ["open", "aborted", "open"]
    assert (newcomer.state, len(server.state.connections)) == ("open", 513)


def test_callers_without_an_address_are_not_one_caller(server: Server) -> None:
    """Such as those of a socket in a file."""
    found = [server.connect(None) for _ in range(300)]
    assert {one.state for one in found} == {"open"}


@pytest.mark.parametrize("busy", ["answering", "idle", "uploading", "not reading"])
def test_only_who_keeps_the_service_waiting_gives_way(
    server: Server, busy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all wait for the service, the newcomer is refused."""
    monkeypatch.setattr("steps.serve.http.connections.MAX_CONNECTIONS", 1)
    connection = server.connect()
    connection.send(UPLOAD if busy == "uploading" else LIVE)
    if busy == "idle":
        connection.answer(START, BODY)
    if busy == "not reading":
        connection.protocol.pause_writing()
    newcomer = server.connect(ANOTHER)
    if busy != "answering":
        assert (connection.state, newcomer.state) == ("aborted", "open")
        return
    assert connection.state == "open"
    problem = newcomer.read_problem()
    assert (problem["status"], problem["detail"]) == (503, "The service has too many connections; try again later.")
    server.loop.advance(5)
    assert newcomer.state == "aborted"
