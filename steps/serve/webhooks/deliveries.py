"""The queue of webhook deliveries in MongoDB: each is stored once, processed by one worker, and never lost."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any, NamedTuple

from pymongo import IndexModel, ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError

from steps.common import tracing
from steps.common.mongo import Document
from steps.common.retention import count_kept_seconds
from steps.serve.webhooks.events import LABEL_ACTIONS, Notice, Voter
from steps.serve.webhooks.indexed_collection import IndexedCollection

KEPT_SECONDS = count_kept_seconds("deliveries")
INDEXES = (
    IndexModel("received_at", expireAfterSeconds=KEPT_SECONDS),
    IndexModel([("state", 1), ("next_attempt", 1)]),
    IndexModel("busy", unique=True, sparse=True),
    IndexModel("content", unique=True, sparse=True),
    IndexModel([("repository", 1), ("number", 1)]),
)
LEASE_SECONDS = 120.0
"""Lease of a delivery; after that another worker may take it."""
MIN_WAIT_SECONDS = 5.0
MAX_WAIT_SECONDS = 1_800.0
MAX_AGE = timedelta(days=3)
"""The time for which a delivery is retried."""
BUSY_SECONDS = 1.0
OVERDUE_SECONDS = 600.0
"""Delay after which services with another model take a delivery that nobody else takes."""
MAX_BATCH = 500
"""Deliveries written at once."""
DUPLICATE_KEY = 11000
WAITING, DONE, FAILED = "waiting", "done", "failed"


class Delivery(NamedTuple):
    """A delivery that was taken from the queue; `attempt` distinguishes it from later attempts.

    `traceparent` is the span that stored it, if there was one.
    """

    notice: Notice
    attempt: int
    received_at: datetime
    voter: Voter | None = None
    traceparent: str | None = None


class Arrival(Enum):
    """Delivery as the queue knows it: new, or again by its id, or by its body under another id."""

    NEW = auto()
    SAME_ID = auto()
    SAME_BODY = auto()


class _Pending(NamedTuple):
    """A delivery that waits to be stored, the span that stores it, and the future of how it arrived."""

    notice: Notice
    voter: Voter | None
    trace: Document
    stored: "asyncio.Future[Arrival]"


class DeliveryQueue:
    """The collection `deliveries`.

    `next_attempt` is when a delivery is due or, while a worker has it, the end of the lease. Meanwhile `busy`, which is
    unique, holds its pull request, so that no other worker takes the same one. `model` is that of the service that
    received it: during a release, the preview notifies nobody. `content`, which is unique, is the hash of the body:
    whoever repeats one under another delivery id changes nothing.
    """

    def __init__(self, database: AsyncDatabase[Document], model: str) -> None:
        self._collection = IndexedCollection(database.deliveries, INDEXES)
        self._model = model
        self._pending: list[_Pending] = []
        self._writing: asyncio.Task[None] | None = None

    async def enqueue(self, notice: Notice, voter: Voter | None = None) -> Arrival:
        """Store a delivery, with the voter if it is a vote; a known one is queued again only if it had failed for good.

        Those that arrive while others are being written are written together, so that a burst is stored as fast as
        MongoDB appends.

        Returns:
            How it arrived; only with what is new is there something to do.
        """
        stored: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        traceparent = tracing.format_traceparent()
        trace = {"traceparent": traceparent} if traceparent else {}
        self._pending.append(_Pending(notice, voter, trace, stored))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_pending())
        return await stored

    async def _write_pending(self) -> None:
        while self._pending:
            # Whoever waited for one of the others has gone.
            batch = [one for one in self._pending[:MAX_BATCH] if not one.stored.done()]
            del self._pending[:MAX_BATCH]
            try:
                outcomes = await self._store(batch)
            except Exception as error:
                for one in batch:
                    if not one.stored.done():
                        one.stored.set_exception(error)
            else:
                for one, outcome in zip(batch, outcomes, strict=True):
                    if not one.stored.done():
                        one.stored.set_result(outcome)

    async def _store(self, batch: Sequence[_Pending]) -> list[Arrival]:
        """Store deliveries, and return for each how it arrived."""
        collection = await self._collection.ready()
        now = datetime.now(UTC)
        fresh = {"received_at": now, "state": WAITING, "attempts": 0, "next_attempt": now, "model": self._model}
        known: set[int] = set()
        try:
            if batch:
                documents = [_to_document(one.notice, one.voter) | fresh | one.trace for one in batch]
                await collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            errors = error.details["writeErrors"]
            if any(one["code"] != DUPLICATE_KEY for one in errors):
                raise
            known = {one["index"] for one in errors}
        return [
            await self._restart(one.notice, fresh | one.trace) if place in known else Arrival.NEW
            for place, one in enumerate(batch)
        ]

    async def _restart(self, notice: Notice, fresh: Document) -> Arrival:
        """Queue a known delivery again if it had failed for good, and return how it arrived."""
        collection = await self._collection.ready()
        same = {"_id": notice.delivery}
        if (await collection.update_one(same | {"state": FAILED}, {"$set": fresh})).modified_count:
            return Arrival.NEW
        return Arrival.SAME_ID if await collection.find_one(same, {"_id": 1}) else Arrival.SAME_BODY

    async def find_fingerprints(self, repository: str, numbers: Sequence[int]) -> dict[int, str | None]:
        """Return the fingerprint of each of these pull requests in its last delivery that led to a score."""
        collection = await self._collection.ready()
        wanted: Document = {"repository": repository, "number": {"$in": list(numbers)}}
        wanted |= {"action": {"$nin": list(LABEL_ACTIONS)}, "fingerprint": {"$exists": True}}
        fields = {"number": 1, "fingerprint": 1}
        found = collection.find(wanted, fields).sort("received_at", 1)
        return {one["number"]: one.get("fingerprint") async for one in found}

    async def take(self) -> Delivery | None:
        """Take the delivery that has been due longest, for the time of a lease; None if none is due."""
        collection = await self._collection.ready()
        while True:
            now = datetime.now(UTC)
            overdue = {"next_attempt": {"$lte": now - timedelta(seconds=OVERDUE_SECONDS)}}
            due = {"state": WAITING, "next_attempt": {"$lte": now}, "$or": [{"model": self._model}, overdue]}
            found = await collection.find_one(due, sort=[("next_attempt", 1)])
            if found is None:
                return None
            same = {"_id": found["_id"], "state": WAITING, "next_attempt": found["next_attempt"]}
            lease = {"next_attempt": now + timedelta(seconds=LEASE_SECONDS), "busy": _format_key(found)}
            try:
                taken = await collection.find_one_and_update(
                    same, {"$set": lease, "$inc": {"attempts": 1}}, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:  # another worker has this pull request
                later = now + timedelta(seconds=BUSY_SECONDS)
                await collection.update_one(same, {"$set": {"next_attempt": later}})
                continue
            if taken is not None:
                voter = Voter(*taken["voter"]) if taken.get("voter") else None
                received, traceparent = taken["received_at"], taken.get("traceparent")
                return Delivery(_to_notice(taken), taken["attempts"], received, voter, traceparent)

    async def finish(self, delivery: Delivery, outcome: str, result: dict[str, Any]) -> None:
        """Record the outcome, and forget who voted."""
        await self._end(delivery, {"state": DONE, "outcome": outcome, "result": result}, "voter")

    async def fail(self, delivery: Delivery, problem: str) -> None:
        """Give it up until it is redelivered."""
        await self._end(delivery, {"state": FAILED, "problem": problem})

    async def postpone(self, delivery: Delivery, problem: str, wait: float | None = None) -> datetime | None:
        """Retry it later: after `wait` seconds if given, else with exponential backoff.

        Returns:
            The time at which it is due again; None if it was given up after MAX_AGE.
        """
        now = datetime.now(UTC)
        if now - delivery.received_at > MAX_AGE:
            await self.fail(delivery, problem)
            return None
        due = now + timedelta(seconds=_compute_backoff(delivery.attempt) if wait is None else wait)
        await self._update(delivery, {"$set": {"next_attempt": due, "problem": problem}, "$unset": {"busy": ""}})
        return due

    async def release(self, delivery: Delivery, after: float) -> None:
        """Return it to the queue, due after some seconds."""
        due = datetime.now(UTC) + timedelta(seconds=after)
        await self._update(delivery, {"$set": {"next_attempt": due}, "$unset": {"busy": ""}})

    async def _end(self, delivery: Delivery, fields: Document, *unneeded: str) -> None:
        gone = {name: "" for name in ("busy", "problem", *unneeded) if name not in fields}
        await self._update(delivery, {"$set": {"finished_at": datetime.now(UTC), **fields}, "$unset": gone})

    async def _update(self, delivery: Delivery, change: Document) -> None:
        """Update it if this attempt still holds it."""
        collection = await self._collection.ready()
        own = {"_id": delivery.notice.delivery, "state": WAITING, "attempts": delivery.attempt}
        await collection.update_one(own, change)


def _to_document(notice: Notice, voter: Voter | None) -> Document:
    """Return the stored form, in which what is not known is left out."""
    fields = {name: value for name, value in notice._asdict().items() if name != "delivery" and value is not None}
    return {"_id": notice.delivery, "installation": None, **fields, **({"voter": list(voter)} if voter else {})}


def _to_notice(document: Document) -> Notice:
    """Return the notice of a stored delivery; those of earlier versions lack fields."""
    return Notice(document["_id"], **{name: document[name] for name in Notice._fields[1:] if name in document})


def _format_key(found: Document) -> str:
    return f"{found['repository']}#{found['number']}"


def _compute_backoff(attempt: int) -> float:
    wait = min(MIN_WAIT_SECONDS * 2.0 ** min(attempt - 1, 20), MAX_WAIT_SECONDS)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, so that not all are due at once
