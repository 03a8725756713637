"""What several callers ask for at the same moment, worked on at once: most of it costs the same for one as for many."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
Output = TypeVar("Output")

GATHER_TURNS = 3
"""Of the event loop, each some microseconds: requests that were read at once get here within so many of each other."""


class _Job(NamedTuple, Generic[Item, Output]):
    items: Sequence[Item]
    future: "asyncio.Future[Sequence[Output]]"


class MicroBatcher(Generic[Item, Output]):
    """Nobody waits for company: whatever came within a few turns of the event loop is worked on at once.

    Args:
        work: makes of items as many results; it blocks.
        most: so many items at once; a caller with more is worked on alone.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Output]], max_items: int) -> None:
        self._work = work
        self._max_items = max_items
        self._jobs: deque[_Job[Item, Output]] = deque()

    async def __call__(self, items: Sequence[Item]) -> Sequence[Output]:
        """The results for some items."""
        loop = asyncio.get_running_loop()
        job: _Job[Item, Output] = _Job(items, loop.create_future())
        if not self._jobs:
            loop.call_soon(self._gather_jobs, GATHER_TURNS)
        self._jobs.append(job)
        return await job.future

    def _gather_jobs(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._gather_jobs, turns - 1)
        else:
            self._run_batch()

    def _run_batch(self) -> None:
        jobs = self._take_batch()
        if self._jobs:
            asyncio.get_running_loop().call_soon(self._run_batch)
        try:
            results = self._work([item for job in jobs for item in job.items])
        except Exception as error:
            if len(jobs) == 1:
                _set_exception(jobs[0], error)
            else:
                self._run_one_by_one(jobs)
            return
        start = 0
        for job in jobs:
            _set_result(job, results[start : start + len(job.items)])
            start += len(job.items)

    def _take_batch(self) -> list[_Job[Item, Output]]:
        jobs = [self._jobs.popleft()]
        count = len(jobs[0].items)
        while self._jobs and count + len(self._jobs[0].items) <= self._max_items:
            jobs.append(self._jobs.popleft())
            count += len(jobs[-1].items)
        return jobs

    def _run_one_by_one(self, jobs: Sequence[_Job[Item, Output]]) -> None:
        """So that what is wrong with one caller's items is no other caller's trouble."""
        for job in jobs:
            try:
                _set_result(job, self._work(job.items))
            except Exception as error:
                _set_exception(job, error)


def _set_result(job: _Job[Item, Output], results: Sequence[Output]) -> None:
    if not job.future.done():
        job.future.set_result(results)


def _set_exception(job: _Job[Item, Output], error: Exception) -> None:
    if not job.future.done():
        job.future.set_exception(error)
