"""The backlog of webhook deliveries, measured in MongoDB for Prometheus."""

import asyncio
from contextlib import suppress

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from steps.common.mongo import Document
from steps.serve import metrics
from steps.serve.webhooks.deliveries import WAITING

INTERVAL_SECONDS = 15.0
"""Prometheus scrapes no more often."""


class Backlog:
    """The deliveries that wait, those of other replicas too: all of them report the same."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._deliveries = database.deliveries

    async def run(self) -> None:
        """Measure until cancelled; while MongoDB is away, the last figures stay, and the oldest delivery ages."""
        while True:
            with suppress(PyMongoError):  # the worker logs it
                await self.measure()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def measure(self) -> None:
        """Count the deliveries that wait and find the oldest.

        Raises:
            PyMongoError: MongoDB does not answer.
        """
        waiting = {"state": WAITING}
        count = await self._deliveries.count_documents(waiting)
        oldest = await self._deliveries.find_one(waiting, {"received_at": 1}, sort=[("received_at", 1)])
        metrics.set_backlog(count, oldest["received_at"] if oldest else None)
