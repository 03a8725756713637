"""A body is read up to its limit and in time, all of them together within a limit, and large ones one at a time."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from steps.serve.contract import MAX_BODY_BYTES
from steps.serve.http import bodies
from steps.serve.http.bodies import BodyReader
from steps.serve.http.problems import RequestRefused
from tests.support.uploads import JSON, MEGABYTE, Sender, keep, read


def test_parts_are_put_together() -> None:
    assert read(Sender(b"[1,", b"2", b"]")) == b"[1,2]"


def test_a_body_as_large_as_the_limit_is_read() -> None:
    parts = [MEGABYTE] * (MAX_BODY_BYTES // len(MEGABYTE))
    assert len(read(Sender(*parts))) == MAX_BODY_BYTES


def test_a_body_that_grows_over_the_limit_is_refused_although_it_did_not_say_so() -> None:
    with pytest.raises(RequestRefused) as refused:
        read(Sender(*[MEGABYTE] * 40))
    assert refused.value.status == 413


def test_the_rest_of_a_body_that_is_too_large_is_discarded() -> None:
    """Most callers look for an answer only after they have sent all."""
    sender = Sender(*[MEGABYTE] * 40)
    with pytest.raises(RequestRefused):
        read(sender, **{"content-length": str(40 * len(MEGABYTE))})
    assert sender.sent == 40


def test_a_client_that_expects_100_continue_is_refused_at_once() -> None:
    sender = Sender(*[MEGABYTE] * 40)
    with pytest.raises(RequestRefused):
        read(sender, **{"content-length": str(40 * len(MEGABYTE)), "expect": "100-continue"})
    assert sender.sent == 0


def test_a_body_that_never_ends_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_SECONDS", 0.05)
    with pytest.raises(RequestRefused) as refused:
        read(Sender(b"{", then="silence"))
    assert refused.value.status == 408


def test_half_a_body_is_refused() -> None:
    with pytest.raises(ClientDisconnect):
        read(Sender(b"{", then="http.disconnect"))


def test_a_body_that_arrives_too_slowly_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then gives it no more time than a byte takes."""
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.05)
    with pytest.raises(RequestRefused) as refused:
        read(Sender(*[b" "] * 100, pause=0.02))
    assert refused.value.status == 408


def test_a_body_that_arrives_fast_enough_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has more time with each byte."""
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.05)
    assert len(read(Sender(*[b" " * 2**14] * 10, pause=0.02))) == 10 * 2**14


def test_large_bodies_are_processed_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next waits for its turn, and small ones pass it."""
    monkeypatch.setattr(bodies, "TURN_TIMEOUT_SECONDS", 0.05)
    reader = BodyReader()

    async def many() -> None:
        async with AsyncExitStack() as working, AsyncExitStack() as held:
            await keep(reader, working, MEGABYTE, b" ")
            with pytest.raises(RequestRefused) as refused:
                await keep(reader, held, MEGABYTE, b" ")
            assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})
            assert await keep(reader, held, b"[]") == b"[]"
        async with AsyncExitStack() as held:
            assert len(await keep(reader, held, MEGABYTE, b" ")) == len(MEGABYTE) + 1

    asyncio.run(many())


def test_silent_uploads_take_nothing_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much they announce."""
    reader = BodyReader()

    async def silent() -> None:
        announced = Headers(JSON | {"content-length": str(MAX_BODY_BYTES)})
        async with AsyncExitStack() as held:
            await reader.read(announced, Sender(then="silence").receive, held)

    async def many() -> None:
        waiting = [asyncio.create_task(silent()) for _ in range(50)]
        await asyncio.sleep(0)
        async with AsyncExitStack() as held:
            assert len(await keep(reader, held, *[MEGABYTE] * 32)) == MAX_BODY_BYTES
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)

    asyncio.run(many())


@pytest.mark.parametrize("size", [1, 32])
def test_the_upload_that_has_been_arriving_longest_gives_way(size: int) -> None:
    """Those that stop in the middle lock nobody out; memory stays within its limit."""
    reader = BodyReader()
    ended: list[int] = []

    async def stop_in_the_middle(number: int) -> None:
        parts = [MEGABYTE] * (size - 1) + [MEGABYTE[:-1]]
        async with AsyncExitStack() as held:
            with pytest.raises(RequestRefused) as refused:
                await reader.read(Headers(JSON), Sender(*parts, then="silence").receive, held)
        assert refused.value.status == 503
        ended.append(number)

    async def many() -> None:
        waiting = [asyncio.create_task(stop_in_the_middle(number)) for number in range(20)]
        await asyncio.sleep(0.1)
        assert sum(reader._totals.values()) <= bodies.MAX_SMALL_TOTAL_BYTES + bodies.MAX_LARGE_TOTAL_BYTES
        async with AsyncExitStack() as held:
            assert len(await keep(reader, held, *[MEGABYTE] * size)) == size * len(MEGABYTE)
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)

    asyncio.run(many())
    assert ended
    assert sorted(ended) == list(range(len(ended)))
    assert reader._totals == {False: 0, True: 0}


def test_a_body_is_refused_if_those_in_memory_are_all_complete() -> None:
    """They are being answered, and nobody takes their memory."""
    reader = BodyReader()

    async def many() -> None:
        async with AsyncExitStack() as held:
            for _ in range(16):
                await keep(reader, held, MEGABYTE)
            with pytest.raises(RequestRefused) as refused:
                await keep(reader, held, b"[]")
            assert refused.value.status == 503
        async with AsyncExitStack() as held:
            assert await keep(reader, held, b"[]") == b"[]"

    asyncio.run(many())


@pytest.mark.parametrize("announced", [{}, {"content-length": str(2**20 + 1)}])
def test_a_route_may_have_a_lower_limit(announced: dict[str, str]) -> None:
    """Refused before it waits for any turn."""
    reader = BodyReader()

    async def refuse() -> None:
        async with AsyncExitStack() as working, AsyncExitStack() as held:
            await keep(reader, working, MEGABYTE, MEGABYTE)
            given = Headers(JSON | announced)
            with pytest.raises(RequestRefused) as refused:
                await reader.read(given, Sender(MEGABYTE, b" ").receive, held, 2**20)
            assert (refused.value.status, "1 MiB" in refused.value.detail) == (413, True)
            assert len(await keep(reader, held, MEGABYTE, limit=2**20)) == 2**20

    asyncio.run(refuse())
