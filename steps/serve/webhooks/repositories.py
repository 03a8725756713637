"""The repositories whose webhook reaches this service, and until when their pull requests are known to be complete."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pymongo import IndexModel, ReturnDocument, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from steps.common.mongo import Document
from steps.common.retention import count_kept_seconds
from steps.serve.webhooks.deliveries import OVERDUE_SECONDS
from steps.serve.webhooks.indexed_collection import IndexedCollection

KEPT_SECONDS = count_kept_seconds("webhook_repositories")
INDEXES = (
    IndexModel("delivered_at", expireAfterSeconds=KEPT_SECONDS),
    IndexModel("next_sweep"),
)
SWEEP_SECONDS = 120.0
"""Interval of the sweeps of one repository."""
LOOKBACK = timedelta(hours=1)
"""The time before a repository's first delivery that its first sweep covers."""
NOTE_SECONDS = 60.0
"""Interval in which deliveries of one repository are noted once."""


class WebhookRepository(NamedTuple):
    """A repository; `since` is the time of GitHub's up to which it was swept."""

    name: str
    installation: int | None
    delivered_at: datetime
    since: datetime


class WebhookRepositories:
    """The collection `webhook_repositories`; a repository that sends nothing for thirty days expires.

    `model` is that of the service that receives its deliveries. Only this one sweeps it, so that the preview of a
    release notifies nobody, unless a sweep is long overdue.
    """

    def __init__(self, database: AsyncDatabase[Document], model: str) -> None:
        self._collection = IndexedCollection(database.webhook_repositories, INDEXES)
        self._model = model
        self._noted: dict[tuple[str, int | None], float] = {}

    async def note(self, senders: Iterable[tuple[str, int | None]]) -> None:
        """Record that a webhook delivered something, for repositories with the App's installation or None."""
        collection = await self._collection.ready()
        started, now = time.monotonic(), datetime.now(UTC)
        self._noted = {one: until for one, until in self._noted.items() if until > started}
        fresh = set(senders) - self._noted.keys()
        if not fresh:
            return
        first = {"since": now - LOOKBACK, "next_sweep": now}
        changes = [
            UpdateOne(
                {"_id": name},
                {
                    "$set": {"delivered_at": now, "installation": installation, "model": self._model},
                    "$setOnInsert": first,
                },
                upsert=True,
            )
            for name, installation in fresh
        ]
        await collection.bulk_write(changes, ordered=False)
        self._noted |= dict.fromkeys(fresh, started + NOTE_SECONDS)

    async def take(self) -> WebhookRepository | None:
        """Take the repository that has been due longest, until it is due again; None if none is due."""
        collection = await self._collection.ready()
        now = datetime.now(UTC)
        overdue = {"next_sweep": {"$lte": now - timedelta(seconds=OVERDUE_SECONDS)}}
        taken = await collection.find_one_and_update(
            {"next_sweep": {"$lte": now}, "$or": [{"model": self._model}, overdue]},
            {"$set": {"next_sweep": now + timedelta(seconds=SWEEP_SECONDS)}},
            sort=[("next_sweep", 1)],
            return_document=ReturnDocument.AFTER,
        )
        if taken is None:
            return None
        return WebhookRepository(taken["_id"], taken["installation"], taken["delivered_at"], taken["since"])

    async def finish(self, repository: WebhookRepository, newest: datetime) -> None:
        """Record that everything up to the newest update was swept."""
        collection = await self._collection.ready()
        await collection.update_one({"_id": repository.name}, {"$max": {"since": newest}})

    async def postpone(self, repository: WebhookRepository, seconds: float) -> None:
        """Sweep it again after some time."""
        collection = await self._collection.ready()
        due = datetime.now(UTC) + timedelta(seconds=seconds)
        await collection.update_one({"_id": repository.name}, {"$set": {"next_sweep": due}})
