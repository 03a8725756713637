"""What the middleware adds to every request: limits of bodies by route, headers, an id, and an end in any case."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steps.common import tracing
from steps.serve import metrics
from steps.serve.contract import CHECK_HEADER
from steps.serve.http import middleware
from steps.serve.http.bodies import LARGE_BYTES, BodyReader
from steps.serve.http.middleware import RequestMiddleware
from tests.support.otlp_receiver import receiving

ROUTES = {"/score": {"POST"}, "/score_url": {"POST"}, "/webhook": {"POST"}, "/livez": {"GET"}, "/page": {"GET"}}
JSON = {"content-type": "application/json"}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the method, and the size of the body."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"{scope['method']} {len(body)}")(scope, receive, send)


class Answer:
    """What a client gets."""

    def __init__(self, sent: list[Message]) -> None:
        self.status = sent[0]["status"] if sent else None
        self.headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]} if sent else {}
        self.body = b"".join(one.get("body", b"") for one in sent[1:])


def ask(
    method: str = "POST",
    path: str = "/score",
    body: bytes = b"[]",
    app: ASGIApp = echo,
    headers: dict[str, str] = JSON,
    gone: bool = False,
) -> Answer:
    """Send a request through the middleware; a client that is gone stops in the middle of its body."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": gone}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw, "query_string": b""}
    asyncio.run(RequestMiddleware(app, lambda: [(b"x-model", b"m:1")], ROUTES)(scope, receive, send))
    return Answer(sent)


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/score_url", 2**16, 200),
        ("/score_url", 2**16 + 1, 413),
        ("/webhook", LARGE_BYTES, 200),
        ("/webhook", LARGE_BYTES + 1, 413),
        ("/score", LARGE_BYTES + 1, 200),
    ],
)
@pytest.mark.parametrize("announced", [True, False])
def test_each_route_has_its_limit(path: str, size: int, status: int, announced: bool) -> None:
    """A body as large as it is read, one byte more is refused, said before or not."""
    headers = JSON | ({"content-length": str(size)} if announced else {})
    found = ask(path=path, body=b" " * size, headers=headers)
    assert found.status == status
    assert found.body == f"POST {size}".encode() or status == 413


def test_the_limits_are_those_that_are_promised() -> None:
    """A delivery is never a large body, which would wait for others."""
    assert middleware.BODY_LIMITS == {"/score_url": 65_536, "/webhook": 1_048_576}


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/other"), ("POST", "/livez"), ("PUT", "/score"), ("GET", "/score")]
)
def test_a_body_that_no_route_reads_is_not_read_for_it(method: str, path: str) -> None:
    """It is the application's to refuse, whatever its type and size."""
    found = ask(method, path, b" " * (2**20), headers={"content-type": "text/plain"})
    assert (found.status, found.body) == (200, f"{method} {2**20}".encode())


def test_a_refused_body_reaches_no_application() -> None:
    """The problem has all headers too."""

    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError

    found = ask(app=never, headers={"content-type": "text/plain"})
    assert (found.status, found.headers["content-type"]) == (415, "application/problem+json")
    assert (found.headers["x-model"], found.headers["x-content-type-options"]) == ("m:1", "nosniff")


def test_head_is_answered_as_get_without_a_body() -> None:
    """With the same headers."""
    head, get = ask("HEAD", "/page", b""), ask("GET", "/page", b"")
    assert (head.status, head.body, get.body) == (200, b"", b"GET 0")
    assert head.headers["content-length"] == get.headers["content-length"] == "5"


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        ("a", True),
        ("A_b.c-9", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("", False),
        ("a b", False),
        ("a\n", False),
        ("é", False),
        ('"; x', False),
    ],
)
def test_a_request_id_is_taken_if_it_is_safe_to_log(given: str, is_taken: bool) -> None:
    """Otherwise a new one is made, another each time."""
    found = [ask(headers=JSON | {"x-request-id": given}).headers["x-request-id"] for _ in range(2)]
    assert (found == [given, given]) is is_taken
    if not is_taken:
        assert [len(one) for one in found] == [32, 32]
        assert found[0] != found[1]


def test_an_error_of_the_application_is_a_problem_with_the_request_s_id(caplog: pytest.LogCaptureFixture) -> None:
    """Its text is in the log alone."""

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("a secret of ours")

    with caplog.at_level(logging.INFO):
        found = ask(app=fail, headers=JSON | {"x-request-id": "one"})
    assert found.status == 500
    assert "request id one" in json.loads(found.body)["detail"]
    assert b"secret" not in found.body
    failed, logged = caplog.records
    assert (failed.getMessage(), vars(failed)["request_id"], vars(failed)["error"]) == (
        "request failed",
        "one",
        "ValueError",
    )
    assert vars(logged)["status"] == 500


def test_an_error_after_the_response_has_begun_closes_the_connection() -> None:
    """Nothing more can be said."""

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("too late")

    with pytest.raises(ValueError, match="too late"):
        ask(app=fail)


def test_a_client_that_is_gone_is_logged_as_such(caplog: pytest.LogCaptureFixture) -> None:
    """Not as an error of the service."""
    with caplog.at_level(logging.INFO):
        found = ask(body=b"[", gone=True)
    assert found.status == 400
    assert "disconnected" in json.loads(found.body)["detail"]
    (logged,) = caplog.records
    assert (vars(logged)["status"], logged.levelname) == (499, "INFO")


@pytest.mark.parametrize(
    ("path", "status", "is_logged"),
    [
        ("/livez", 200, False),
        ("/livez", 399, False),
        ("/livez", 400, True),
        ("/livez", 503, True),
        ("/page", 200, True),
    ],
)
def test_a_probe_is_logged_only_if_it_fails(
    path: str, status: int, is_logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """They come every few seconds."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("", status)(scope, receive, send)

    with caplog.at_level(logging.INFO):
        ask("GET", path, b"", answer)
    assert bool(caplog.records) is is_logged


def test_a_request_is_logged_with_its_time_and_a_part_of_its_path(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In hundredths of milliseconds; a stranger chooses the path, so its length is limited."""
    clock = iter([7.0, 7.5001239, 7.5001239])
    monkeypatch.setattr(middleware, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    with caplog.at_level(logging.INFO):
        ask("GET", "/" + "a" * 500, b"")
    logged = vars(caplog.records[0])
    assert (logged["method"], logged["path"], logged["status"]) == ("GET", "/" + "a" * 199, 200)
    assert logged["ms"] == 500.12


def read_count(route: str, status: int) -> float:
    """Read how many requests were counted."""
    return float(metrics._request_counter(route, status)._value.get())


@pytest.mark.parametrize(
    ("method", "path", "headers", "route"),
    [
        ("POST", "/score", JSON, "/score"),
        ("POST", "/score", JSON | {CHECK_HEADER.lower(): "1"}, metrics.CHECK),
        ("GET", "/page", {CHECK_HEADER.lower(): "1"}, "/page"),
        ("GET", "/nowhere", {}, "other"),
    ],
)
def test_a_request_is_counted_under_its_route(method: str, path: str, headers: dict[str, str], route: str) -> None:
    """Scores for checks by themselves, and paths that don't exist under one name."""
    before = read_count(route, 200)
    ask(method, path, headers=headers)
    assert read_count(route, 200) == before + 1


def test_the_memory_of_a_body_is_free_once_the_response_begins() -> None:
    """The client may take its time to read it."""
    counted: list[int] = []
    reader: list[BodyReader] = []

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        counted.append(sum(reader[0]._totals.values()))
        await PlainTextResponse("")(scope, receive, send)

    async def send(message: Message) -> None:
        counted.append(sum(reader[0]._totals.values()))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"[]"}

    made = RequestMiddleware(look, list, ROUTES)
    reader.append(made._bodies)
    scope = {"type": "http", "method": "POST", "path": "/score", "headers": [(b"content-type", b"application/json")]}
    asyncio.run(made(scope, receive, send))
    assert counted == [2, 0, 0]


def test_a_request_without_a_response_is_logged_as_closed(caplog: pytest.LogCaptureFixture) -> None:
    """By the client: the service always answers."""

    async def say_nothing(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    with caplog.at_level(logging.INFO):
        ask(app=say_nothing)
    assert vars(caplog.records[0])["status"] == 499


def test_a_request_has_a_span_with_its_route_and_its_status_but_a_probe_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A path that is not a route is not named: anybody may send it."""
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address)
        stop = tracing.start("test", {})
        for method, path in (("POST", "/score"), ("GET", "/livez"), ("GET", "/unknown")):
            ask(method, path)
        ask(gone=True)
        stop()
        spans = [(one.name, one.attributes["http.response.status_code"]) for one in receiver.spans()]
    assert spans == [("POST /score", 200), ("GET", 200), ("POST /score", middleware.CLIENT_CLOSED_REQUEST)]


def test_what_is_no_request_is_passed_on() -> None:
    """Such as the start of the application."""
    seen: list[str] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    nothing: Callable[..., Awaitable[Any]] = lambda *_: asyncio.sleep(0)  # noqa: E731
    asyncio.run(RequestMiddleware(note, list, ROUTES)({"type": "lifespan"}, nothing, nothing))
    assert seen == ["lifespan"]
