"""The alert budget: pull requests reported per repository and week, counted once for all replicas."""

from datetime import UTC, datetime
from typing import Literal, NamedTuple

from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from steps.common.mongo import Document
from steps.common.retention import count_kept_seconds
from steps.serve.webhooks.indexed_collection import IndexedCollection

KEPT_SECONDS = count_kept_seconds("alerts")
INDEXES = (
    IndexModel("created_at", expireAfterSeconds=KEPT_SECONDS),
    IndexModel([("repository", 1), ("alerts.number", 1)]),
)


class Alert(NamedTuple):
    """The alert of a pull request, at a commit.

    `place` is the id of the comment or check run; without it, nothing may have been posted yet. `mode` says which
    of the two it is.
    """

    number: int
    head_sha: str
    place: int | None = None
    unusual: bool = True
    mode: Literal["check", "comment"] | None = None


class Alerts:
    """The collection `alerts`: one document per repository and week with alerts, `_id` "owner/name 2026-W36".

    A pull request counts in the week of its first alert only. It is counted before anything is posted, so that
    nothing is posted without being counted.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._collection = IndexedCollection(database.alerts, INDEXES)

    async def find(self, repository: str, number: int) -> Alert | None:
        """Find a pull request's alert, of any week."""
        collection = await self._collection.ready()
        week = await collection.find_one({"repository": repository, "alerts.number": number})
        return next((Alert(**one) for one in week["alerts"] if one["number"] == number), None) if week else None

    async def claim(self, repository: str, number: int, head_sha: str, budget: int) -> bool:
        """Take one of this week's alerts, and return False if as many as the budget allows were taken."""
        collection = await self._collection.ready()
        if budget < 1:
            return False
        now = datetime.now(UTC)
        free = {f"alerts.{budget - 1}": {"$exists": False}, "alerts.number": {"$ne": number}}
        content = {"repository": repository, "created_at": now}
        change = {"$push": {"alerts": Alert(number, head_sha)._asdict()}, "$setOnInsert": content}
        own = {"_id": f"{repository} {format_week(now)}"}
        while True:
            try:
                await collection.update_one({**own, **free}, change, upsert=True)
            except DuplicateKeyError:  # the week's budget is used up, or its document was created just now
                if await collection.find_one({**own, **free}) is None:
                    return await collection.find_one({**own, "alerts.number": number}) is not None
            else:
                return True

    async def release(self, repository: str, number: int) -> None:
        """Give back the place of an alert that was never posted."""
        collection = await self._collection.ready()
        unposted = {"number": number, "place": None}
        own = {"repository": repository, "alerts": {"$elemMatch": unposted}}
        await collection.update_one(own, {"$pull": {"alerts": unposted}})

    async def record(self, repository: str, alert: Alert) -> None:
        """Update the alert of a pull request."""
        collection = await self._collection.ready()
        own = {"repository": repository, "alerts.number": alert.number}
        await collection.update_one(own, {"$set": {"alerts.$": alert._asdict()}})


def format_week(moment: datetime) -> str:
    """Format the ISO 8601 week: `2026-W36`."""
    year, number, _ = moment.isocalendar()
    return f"{year}-W{number:02}"
