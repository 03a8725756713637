"""The limits of a body: its type, its size, its time, and what it may take from others."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import pytest
from starlette.datastructures import Headers
from starlette.types import Message

from steps.serve.contract import MAX_BODY_BYTES
from steps.serve.http import bodies
from steps.serve.http.bodies import BodyReader
from steps.serve.http.problems import RequestRefused
from tests.support.uploads import JSON, MEGABYTE, Sender, keep, read


def test_the_limits_are_as_promised() -> None:
    """Bytes, seconds, and bytes a second."""
    sizes = (bodies.LARGE_BYTES, bodies.MAX_SMALL_TOTAL_BYTES, bodies.MAX_LARGE_TOTAL_BYTES)
    assert sizes == (1_048_576, 16_777_216, 100_663_296)
    times = (bodies.TURN_TIMEOUT_SECONDS, bodies.BODY_TIMEOUT_SECONDS, bodies.GRACE_SECONDS)
    assert (*times, bodies.DRAIN_TIMEOUT_SECONDS, bodies.MIN_BYTES_PER_SECOND) == (30, 50, 10, 5, 32_768)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", None),
        ("Application/JSON ; charset=utf-8; x=y", None),
        ("text/plain", 415),
        ("text/plain; application/json", 415),
        ("application/json, text/plain", 415),
        ("", 415),
    ],
)
def test_a_body_must_be_json(kind: str, status: int | None) -> None:
    """By its type alone, whatever its parameters."""
    assert try_to_read(Sender(b"[]"), **{"content-type": kind}) == (status or b"[]")


@pytest.mark.parametrize(("encoding", "status"), [("identity", None), ("Identity", None), ("gzip", 415), ("", 415)])
def test_a_body_must_not_be_compressed(encoding: str, status: int | None) -> None:
    """A few bytes could be many."""
    assert try_to_read(Sender(b"[]"), **{"content-encoding": encoding}) == (status or b"[]")


def try_to_read(sender: Sender, **headers: str) -> bytes | int:
    """What is read of a body, or the status of the refusal."""
    try:
        return read(sender, **headers)
    except RequestRefused as refused:
        return refused.status


@pytest.mark.parametrize(("announced", "status"), [(MAX_BODY_BYTES, None), (MAX_BODY_BYTES + 1, 413)])
def test_a_body_may_be_announced_up_to_the_limit(announced: int, status: int | None) -> None:
    """What is announced is not what counts, below it."""
    assert try_to_read(Sender(b"[]"), **{"content-length": str(announced)}) == (status or b"[]")


@pytest.mark.parametrize(
    ("limit", "words"), [(2**20, "1 MiB"), (3 * 2**20, "3 MiB"), (2**20 - 1, "1023 KiB"), (2**16, "64 KiB")]
)
def test_the_refusal_names_the_limit(limit: int, words: str) -> None:
    """In the larger unit that fits."""
    assert f"larger than {words}; send less" in bodies._body_too_large(limit).detail


def test_a_client_that_stops_while_its_rest_is_discarded_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while; its connection ends by itself."""
    monkeypatch.setattr(bodies, "DRAIN_TIMEOUT_SECONDS", 0.02)
    sender = Sender(MEGABYTE, then="silence")
    assert try_to_read(sender, **{"content-length": str(MAX_BODY_BYTES + 1)}) == 413
    assert sender.sent == 1


@pytest.mark.parametrize(
    ("grace", "rate", "most", "allowed"),
    [(10.0, 2**15, 50.0, 12.0), (10.0, 2**15, 11.0, 11.0), (0.0, 2**14, 50.0, 4.0)],
)
def test_the_time_for_a_body_grows_with_what_has_arrived(
    grace: float, rate: int, most: float, allowed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the beginning on, up to a limit."""
    monkeypatch.setattr(bodies, "GRACE_SECONDS", grace)
    monkeypatch.setattr(bodies, "MIN_BYTES_PER_SECOND", rate)
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_SECONDS", most)

    async def measure() -> float:
        async with asyncio.timeout(None) as deadline:
            upload = bodies._Upload(deadline)
            began = upload._began
            upload.size = 2**16
            upload.extend_deadline()
            return float(deadline.when() or 0) - began

    assert asyncio.run(measure()) == pytest.approx(allowed)


def test_a_message_that_says_nothing_of_more_is_the_last() -> None:
    """As ASGI has it."""

    async def receive() -> Message:
        return {"type": "http.request", "body": next(parts)}

    async def read_one() -> bytes:
        async with AsyncExitStack() as held:
            return await BodyReader().read(Headers(JSON), receive, held)

    parts = iter([b"[]"])
    assert asyncio.run(read_one()) == b"[]"


def test_a_body_that_grows_too_large_is_discarded_to_its_end() -> None:
    """Its client is answered once it has sent all, and no byte of it counts by then."""
    reader, sender = BodyReader(), Sender(*[MEGABYTE] * 6)
    counted: list[int] = []

    async def receive() -> Message:
        counted.append(sum(reader._totals.values()))
        return await sender.receive()

    async def refuse() -> None:
        async with AsyncExitStack() as held:
            with pytest.raises(RequestRefused):
                await reader.read(Headers(JSON), receive, held, 2**21)

    asyncio.run(refuse())
    assert sender.sent == 6
    assert [count // 2**20 for count in counted] == [0, 1, 2, 0, 0, 0]


def test_a_body_that_never_begins_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though none of its bytes extends its time."""
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.05)
    assert try_to_read(Sender(then="silence")) == 408


async def wait_for_refusal(reader: BodyReader, ended: list[str], name: str, *parts: bytes) -> None:
    """Send parts of a body and fall silent; `ended` gets the name when it is refused."""
    async with AsyncExitStack() as held:
        with pytest.raises(RequestRefused):
            await reader.read(Headers(JSON), Sender(*parts, then="silence").receive, held)
    ended.append(name)


def test_all_large_bodies_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly as much fits; of one byte more, the oldest that is still arriving gives way, and no small one."""
    monkeypatch.setattr(bodies, "MAX_LARGE_TOTAL_BYTES", 4 * 2**20)
    reader = BodyReader()
    ended: list[str] = []
    stop = partial(wait_for_refusal, reader, ended)

    async def many() -> None:
        given = {"small": [b" "], "first": [MEGABYTE, MEGABYTE], "second": [MEGABYTE, MEGABYTE]}
        waiting = [asyncio.create_task(stop(name, *parts)) for name, parts in given.items()]
        await asyncio.sleep(0.05)
        assert (ended, reader._totals) == ([], {False: 1, True: 4 * 2**20})
        async with AsyncExitStack() as held:
            await keep(reader, held, MEGABYTE, b" ")
            await asyncio.sleep(0.05)
            assert ended == ["first"]
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)

    asyncio.run(many())


def test_an_upload_that_takes_no_memory_does_not_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it began first: ending it would free nothing."""
    monkeypatch.setattr(bodies, "MAX_SMALL_TOTAL_BYTES", 10)
    reader = BodyReader()
    ended: list[str] = []
    stop = partial(wait_for_refusal, reader, ended)

    async def many() -> None:
        waiting = [asyncio.create_task(stop("silent")), asyncio.create_task(stop("half", b"[" * 9))]
        await asyncio.sleep(0.05)
        async with AsyncExitStack() as held:
            assert await keep(reader, held, b"[]") == b"[]"
            await asyncio.sleep(0.05)
        assert ended == ["half"]
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)

    asyncio.run(many())


def test_a_body_is_replayed_once_and_then_the_client_is_listened_to() -> None:
    """Whoever waits for its end learns of it."""

    async def go() -> Message:
        return {"type": "http.disconnect"}

    async def receive_twice() -> list[Message]:
        receive = bodies.replay_body(b"[]", go)
        return [await receive(), await receive()]

    whole = {"type": "http.request", "body": b"[]", "more_body": False}
    assert asyncio.run(receive_twice()) == [whole, {"type": "http.disconnect"}]
