"""Connections that are slow, silent or too many end in time and lock nobody out; what is not HTTP gets a problem."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse
from typing import Any

import pytest
import requests
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from steps.serve import bento_worker
from steps.serve.app import create_app
from steps.serve.http import bodies, connections
from tests.support.waiting import wait_until

HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
SECONDS = 0.5
PATIENCE = 30.0


@pytest.fixture
def limits(settings: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Shorter times, and fewer connections; the test's requests take one or two of their own."""
    settings.setattr(connections, "HEADER_SECONDS", SECONDS)
    settings.setattr(connections, "STALL_SECONDS", SECONDS)
    settings.setattr(connections, "CLOSE_SECONDS", 0.1)
    settings.setattr(bodies, "GRACE_SECONDS", SECONDS)
    settings.setattr(bento_worker, "KEEP_ALIVE_SECONDS", 2)
    return settings


@contextmanager
def _serve(app: ASGIApp | None = None) -> Iterator[uvicorn.Server]:
    with bento_worker.open_listener("127.0.0.1", 0) as listener:
        server = uvicorn.Server(bento_worker.build_config(app or create_app()))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started or not thread.is_alive(), timeout=PATIENCE)
            yield server
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def server(limits: pytest.MonkeyPatch) -> Iterator[uvicorn.Server]:
    """The service in a thread, as the worker of a Bento configures it."""
    with _serve() as found:
        yield found


def find_port(server: uvicorn.Server) -> int:
    """Return the port of a server."""
    return int(server.servers[0].sockets[0].getsockname()[1])


def connect(server: uvicorn.Server, sent: bytes = b"", host: str = "127.0.0.1") -> socket.socket:
    """Connect from an address of this machine, and send something."""
    connection = socket.create_connection(("127.0.0.1", find_port(server)), timeout=PATIENCE, source_address=(host, 0))
    connection.sendall(sent)
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Read until the service closes the connection."""
    found = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            found += part
    return found


def read_problem(connection: socket.socket) -> dict[str, Any]:
    """Read a problem document, after which the connection is closed."""
    head, _, content = read_all(connection).partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    problem = dict(json.loads(content))
    assert head.startswith(b"HTTP/1.1 %d " % problem["status"])
    return problem


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", None),
        (b"GET /livez HTT", 408),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ", 408),
        (HEAD % 100 + b"{", 408),
        (b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n", 415),
    ],
)
def test_a_client_that_stops_in_the_middle_is_disconnected(
    server: uvicorn.Server, sent: bytes, status: int | None
) -> None:
    """Before it sends anything, in the headers, in the body, and after a response that came before the body."""
    with connect(server, sent) as connection:
        answer = read_all(connection)
    assert answer.split(b" ")[1:2] == ([b"%d" % status] if status else [])
    wait_until(lambda: not server.server_state.connections)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        LIVE,
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n",
    ],
)
def test_a_byte_now_and_then_keeps_no_connection_open(server: uvicorn.Server, first: bytes) -> None:
    """Of a first request, of the next one, or of a body that nobody reads."""
    with connect(server, first) as connection:
        with suppress(ConnectionError):
            for _ in range(int(PATIENCE / 0.05)):
                connection.sendall(b"G")
                time.sleep(0.05)
        wait_until(lambda: not server.server_state.connections)


def test_a_client_that_does_not_read_its_response_is_disconnected(server: uvicorn.Server, pull: dict[str, Any]) -> None:
    """However large the response is."""
    body = json.dumps({"pull_requests": [pull] * 1_000}).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", find_port(server)))
        for _ in range(8):
            connection.sendall(HEAD % len(body) + body)
        wait_until(lambda: not server.server_state.connections, timeout=PATIENCE)


def test_a_client_that_reads_slowly_gets_its_whole_response(server: uvicorn.Server, pull: dict[str, Any]) -> None:
    body = json.dumps({"pull_requests": [pull] * 1_500}).encode()
    with connect(server, HEAD % len(body) + body) as connection:
        connection.settimeout(PATIENCE)
        answer = HTTPResponse(connection)
        answer.begin()
        content = b""
        while part := answer.read(65_536):
            content += part
            time.sleep(0.02)
    assert len(json.loads(content)["results"]) == 1_500


def test_requests_on_one_connection_are_answered_as_long_as_they_come(server: uvicorn.Server) -> None:
    with requests.Session() as session:
        for _ in range(6):
            assert session.get(f"http://127.0.0.1:{find_port(server)}/livez", timeout=PATIENCE).ok
            assert len(server.server_state.connections) == 1
            time.sleep(SECONDS / 2)


@pytest.mark.parametrize("sent", [b"", b"GET /li", HEAD % 100 + b"{", LIVE])
def test_whoever_has_been_silent_longest_gives_way(limits: pytest.MonkeyPatch, sent: bytes) -> None:
    """One caller, or many: a probe is always answered."""
    limits.setattr(connections, "HEADER_SECONDS", PATIENCE)
    limits.setattr(bodies, "GRACE_SECONDS", PATIENCE)
    limits.setattr(bento_worker, "KEEP_ALIVE_SECONDS", int(PATIENCE))
    limits.setattr(connections, "MAX_CONNECTIONS", 20)
    limits.setattr(connections, "MAX_CONNECTIONS_PER_CALLER", 10)
    with _serve() as server, ExitStack() as stack:
        opened = []
        for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
            for _ in range(15):
                opened.append(stack.enter_context(connect(server, sent, host)))
                time.sleep(0.005)
        wait_until(lambda: len(server.server_state.connections) == 20)
        assert requests.get(f"http://127.0.0.1:{find_port(server)}/livez", timeout=PATIENCE).ok
        callers = [
            one.client[0]
            for one in server.server_state.connections
            if isinstance(one, connections.LimitedProtocol) and one.client
        ]
        assert max(callers.count(host) for host in callers) <= 10
        for one in opened[:5]:
            read_all(one)


def test_a_connection_whose_request_is_being_answered_does_not_give_way(limits: pytest.MonkeyPatch) -> None:
    """The newcomer is refused with a problem, and the answers arrive."""
    limits.setattr(connections, "MAX_CONNECTIONS", 2)
    waiting: list[asyncio.Event] = []

    loops: list[asyncio.AbstractEventLoop] = []

    async def answer_late(_: Request) -> Response:
        waiting.append(asyncio.Event())
        loops.append(asyncio.get_running_loop())
        await waiting[-1].wait()
        return Response("late")

    with _serve(Starlette(routes=[Route("/livez", answer_late)])) as server, ExitStack() as stack:
        busy = [stack.enter_context(connect(server, LIVE)) for _ in range(2)]
        wait_until(lambda: len(waiting) == 2)
        with connect(server) as newcomer:
            assert read_problem(newcomer)["status"] == 503
        for event in waiting:
            loops[0].call_soon_threadsafe(event.set)
        for one in busy:
            assert one.recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        HEAD.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked") + b"zz\r\n",
    ],
    ids=lambda sent: sent[:20].decode("ascii", "replace"),
)
def test_what_is_not_http_gets_a_problem(server: uvicorn.Server, sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with connect(server, sent) as connection:
        assert read_problem(connection)["status"] == 400
    assert requests.get(f"http://127.0.0.1:{find_port(server)}/livez", timeout=PATIENCE).ok
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
