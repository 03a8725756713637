"""What several callers ask for at the same moment, worked on at once: most of it costs the same for one as for many."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")

TURNS = 3
"""Of the event loop, each some microseconds: requests that were read at once get here within so many of each other."""


class _Job(NamedTuple, Generic[Item, Found]):
    items: Sequence[Item]
    found: "asyncio.Future[Sequence[Found]]"


class Together(Generic[Item, Found]):
    """Nobody waits for company: whatever came within a few turns of the event loop is worked on at once.

    Args:
        work: makes of items as many results; it blocks.
        most: so many items at once; a caller with more is worked on alone.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Found]], most: int) -> None:
        self._work = work
        self._most = most
        self._jobs: deque[_Job[Item, Found]] = deque()

    async def __call__(self, items: Sequence[Item]) -> Sequence[Found]:
        """The results for some items."""
        loop = asyncio.get_running_loop()
        job: _Job[Item, Found] = _Job(items, loop.create_future())
        if not self._jobs:
            loop.call_soon(self._gather, TURNS)
        self._jobs.append(job)
        return await job.found

    def _gather(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._gather, turns - 1)
        else:
            self._turn()

    def _turn(self) -> None:
        jobs = self._taken()
        if self._jobs:
            asyncio.get_running_loop().call_soon(self._turn)
        try:
            results = self._work([item for job in jobs for item in job.items])
        except Exception as error:
            if len(jobs) == 1:
                _fail(jobs[0], error)
            else:
                self._one_by_one(jobs)
            return
        start = 0
        for job in jobs:
            _end(job, results[start : start + len(job.items)])
            start += len(job.items)

    def _taken(self) -> list[_Job[Item, Found]]:
        jobs = [self._jobs.popleft()]
        count = len(jobs[0].items)
        while self._jobs and count + len(self._jobs[0].items) <= self._most:
            jobs.append(self._jobs.popleft())
            count += len(jobs[-1].items)
        return jobs

    def _one_by_one(self, jobs: Sequence[_Job[Item, Found]]) -> None:
        """So that what is wrong with one caller's items is no other caller's trouble."""
        for job in jobs:
            try:
                _end(job, self._work(job.items))
            except Exception as error:
                _fail(job, error)


def _end(job: _Job[Item, Found], results: Sequence[Found]) -> None:
    if not job.found.done():
        job.found.set_result(results)


def _fail(job: _Job[Item, Found], error: Exception) -> None:
    if not job.found.done():
        job.found.set_exception(error)
