"""The queue of webhook deliveries in MongoDB: each is kept once, worked on by one, and lost by nobody."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from steps.common.mongo import Document
from steps.serve.webhooks.events import Notice

KEPT_SECONDS = 30 * 24 * 3600
LEASE_SECONDS = 120.0
"""After which a delivery that somebody took and said no more about is taken anew."""
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 1_800.0
PATIENCE = timedelta(days=3)
"""For so long a delivery is tried."""
BUSY_SECONDS = 1.0
OVERDUE_SECONDS = 600.0
"""After which services with another model take what nobody else does."""
WAITING, DONE, FAILED = "waiting", "done", "failed"


class Delivery(NamedTuple):
    """One that was taken; `attempt` tells it from the same one taken later."""

    notice: Notice
    attempt: int
    received_at: datetime


class Deliveries:
    """The collection `deliveries`.

    `next_attempt` is when one is due; while somebody works on it, it is the end of the lease. Meanwhile its pull
    request stands in `busy`, which is unique, so that nobody else works on the same pull request. `model` is that of
    the service that received it: during a release, a service that is only tried out says nothing to anybody.
    """

    def __init__(self, database: AsyncDatabase[Document], model: str) -> None:
        self._collection = database.deliveries
        self._model = model
        self._prepared = False
        self._preparing = asyncio.Lock()

    async def prepare(self) -> None:
        """Make the indexes, unless they are there."""
        async with self._preparing:
            if not self._prepared:
                await self._collection.create_index("received_at", expireAfterSeconds=KEPT_SECONDS)
                await self._collection.create_index([("state", 1), ("next_attempt", 1)])
                await self._collection.create_index("busy", unique=True, sparse=True)
                self._prepared = True

    async def keep(self, notice: Notice) -> bool:
        """Keep a delivery; one that is known is taken up again only if it had failed for good.

        Returns:
            Whether there is something to do.
        """
        # Before the first insert: a service without a model runs no worker that would create the indexes.
        await self.prepare()
        now = datetime.now(UTC)
        fresh = {"received_at": now, "state": WAITING, "attempts": 0, "next_attempt": now, "model": self._model}
        content = notice._asdict()
        try:
            await self._collection.insert_one({"_id": content.pop("delivery"), **content, **fresh})
        except DuplicateKeyError:
            again = await self._collection.update_one({"_id": notice.delivery, "state": FAILED}, {"$set": fresh})
            return again.modified_count > 0
        return True

    async def take(self) -> Delivery | None:
        """The one that is due for longest, for the time of a lease; None where nothing is due."""
        while True:
            now = datetime.now(UTC)
            overdue = {"next_attempt": {"$lte": now - timedelta(seconds=OVERDUE_SECONDS)}}
            due = {"state": WAITING, "next_attempt": {"$lte": now}, "$or": [{"model": self._model}, overdue]}
            found = await self._collection.find_one(due, sort=[("next_attempt", 1)])
            if found is None:
                return None
            same = {"_id": found["_id"], "state": WAITING, "next_attempt": found["next_attempt"]}
            lease = {"next_attempt": now + timedelta(seconds=LEASE_SECONDS), "busy": _pull(found)}
            try:
                taken = await self._collection.find_one_and_update(
                    same, {"$set": lease, "$inc": {"attempts": 1}}, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:  # somebody works on this pull request
                later = now + timedelta(seconds=BUSY_SECONDS)
                await self._collection.update_one(same, {"$set": {"next_attempt": later}})
                continue
            if taken is not None:
                notice = Notice(taken["_id"], *(taken[name] for name in Notice._fields[1:]))
                return Delivery(notice, taken["attempts"], taken["received_at"])

    async def finish(self, delivery: Delivery, outcome: str, result: dict[str, Any]) -> None:
        """Record what came of it."""
        await self._end(delivery, {"state": DONE, "outcome": outcome, "result": result})

    async def fail(self, delivery: Delivery, problem: str) -> None:
        """Give it up, until it is redelivered."""
        await self._end(delivery, {"state": FAILED, "problem": problem})

    async def postpone(self, delivery: Delivery, problem: str, wait: float | None = None) -> datetime | None:
        """Leave it for later: after `wait` seconds where somebody asked for that, else after ever longer ones.

        Returns:
            When it is due again; None where it was given up, having been tried for long enough.
        """
        now = datetime.now(UTC)
        if now - delivery.received_at > PATIENCE:
            await self.fail(delivery, problem)
            return None
        due = now + timedelta(seconds=_backoff(delivery.attempt) if wait is None else wait)
        await self._update(delivery, {"$set": {"next_attempt": due, "problem": problem}, "$unset": {"busy": ""}})
        return due

    async def release(self, delivery: Delivery, after: float) -> None:
        """Hand it back unfinished, due after some seconds."""
        due = datetime.now(UTC) + timedelta(seconds=after)
        await self._update(delivery, {"$set": {"next_attempt": due}, "$unset": {"busy": ""}})

    async def _end(self, delivery: Delivery, fields: Document) -> None:
        gone = {name: "" for name in ("busy", "problem") if name not in fields}
        await self._update(delivery, {"$set": {"finished_at": datetime.now(UTC), **fields}, "$unset": gone})

    async def _update(self, delivery: Delivery, change: Document) -> None:
        """Change it, if it is still this attempt's."""
        own = {"_id": delivery.notice.delivery, "state": WAITING, "attempts": delivery.attempt}
        await self._collection.update_one(own, change)


def _pull(found: Document) -> str:
    return f"{found['repository']}#{found['number']}"


def _backoff(attempt: int) -> float:
    longest = min(FIRST_WAIT_SECONDS * 2.0 ** min(attempt - 1, 20), LONGEST_WAIT_SECONDS)
    return longest * random.uniform(0.8, 1.2)  # noqa: S311 - only so that not all come back at once
