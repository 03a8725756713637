"""Tasks that run beside the requests, and how they end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

CANCEL_AGAIN_SECONDS = 8.0
"""Longer than a cancelled task takes to clean up, of which MongoDB's time limit is the most."""


@asynccontextmanager
async def run_in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a coroutine beside the block, and cancel it at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await cancel(task)


async def finish(task: "asyncio.Task[None]", within: float) -> None:
    """Let a task end by itself, within some seconds, and cancel it after that."""
    await asyncio.wait([task], timeout=within)
    await cancel(task)


async def cancel(task: "asyncio.Task[None]") -> None:
    """Cancel a task until it has ended.

    Once is not enough: `asyncio.wait_for`, by which the MongoDB driver sends each command, forgets in Python 3.11 a
    cancellation that arrives together with its result (python/cpython#86296), and the task would go on for ever.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_SECONDS)
