"""Micro-batching: items of concurrent callers are processed together, as most of the cost is per call."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
Output = TypeVar("Output")

GATHER_TURNS = 3
"""Turns of the event loop, a few microseconds each, within which concurrent requests arrive here."""


class _Job(NamedTuple, Generic[Item, Output]):
    items: Sequence[Item]
    future: "asyncio.Future[Sequence[Output]]"


class MicroBatcher(Generic[Item, Output]):
    """Processes together the items that arrive within a few turns of the event loop; no caller waits for a timer.

    Args:
        work: returns one result per item; it blocks.
        max_items: the size of a batch; a caller with more is processed alone.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Output]], max_items: int) -> None:
        self._work = work
        self._max_items = max_items
        self._jobs: deque[_Job[Item, Output]] = deque()

    async def __call__(self, items: Sequence[Item]) -> Sequence[Output]:
        """Return the results for some items, in their order."""
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
        """Process each job alone, so that one caller's bad items don't fail the others."""
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
