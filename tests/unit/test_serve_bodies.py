"""A body is read up to its limit, in time, and only few large ones at once."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message

from steps.serve.contract import MAX_BODY_BYTES
from steps.serve.http import bodies
from steps.serve.http.bodies import BodyReader
from steps.serve.http.problems import RequestRefused

MEGABYTE = b" " * 2**20
JSON = {"content-type": "application/json"}


class Sender:
    """A caller who sends parts of a body."""

    def __init__(self, *parts: bytes, then: str = "http.request") -> None:
        self._parts: Iterator[bytes] = iter(parts)
        self._left = len(parts)
        self._then = then
        self.sent = 0

    async def receive(self) -> Message:
        """The next part; after the last, the caller waits for its answer, or goes."""
        await asyncio.sleep(0)
        part = next(self._parts, None)
        if part is None:
            if self._then == "silence":
                await asyncio.Event().wait()
            return {"type": self._then}
        self._left -= 1
        self.sent += 1
        return {"type": "http.request", "body": part, "more_body": self._left > 0 or self._then != "http.request"}


def read(sender: Sender, **headers: str) -> bytes:
    """What is read of a caller's body."""

    async def one() -> bytes:
        async with AsyncExitStack() as held:
            return await BodyReader().read(Headers(JSON | headers), sender.receive, held)

    return asyncio.run(one())


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


def test_few_large_bodies_are_in_memory_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next waits for its turn, and small ones pass it."""
    monkeypatch.setattr(bodies, "TURN_TIMEOUT_SECONDS", 0.05)
    own = BodyReader()

    async def one(length: int, held: AsyncExitStack) -> bytes:
        return await own.read(Headers(JSON | {"content-length": str(length)}), Sender(b"[]").receive, held)

    async def many() -> None:
        async with AsyncExitStack() as working:
            for _ in range(bodies.MAX_LARGE_BODIES):
                await one(2 * len(MEGABYTE), working)
            async with AsyncExitStack() as held:
                with pytest.raises(RequestRefused) as refused:
                    await one(2 * len(MEGABYTE), held)
                assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})
                assert await one(2, held) == b"[]"
        async with AsyncExitStack() as held:
            assert await one(2 * len(MEGABYTE), held) == b"[]"

    asyncio.run(many())
