"""The alert budget: which pull requests were told of in a repository's week, counted once for all replicas."""

from datetime import UTC, datetime
from typing import NamedTuple

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from steps.common.mongo import Document

KEPT_SECONDS = 60 * 24 * 3600


class Alert(NamedTuple):
    """What was said of a pull request, at which commit; without a `place`, whether it was said isn't known."""

    number: int
    head_sha: str
    place: int | None = None
    unusual: bool = True


class Alerts:
    """The collection `alerts`: a document for each week of a repository that had any, `_id` "owner/name 2026-W36".

    A pull request takes a place in the week of its first alert and none later. The place is taken before anything is
    said, so that whatever was said has one.
    """

    def __init__(self, database: AsyncDatabase[Document], budget: int) -> None:
        self._collection = database.alerts
        self._budget = budget

    async def prepare(self) -> None:
        """Make the indexes, unless they are there."""
        await self._collection.create_index("created_at", expireAfterSeconds=KEPT_SECONDS)
        await self._collection.create_index([("repository", 1), ("alerts.number", 1)])

    async def find(self, repository: str, number: int) -> Alert | None:
        """The alert that a pull request already has, of whichever week."""
        week = await self._collection.find_one({"repository": repository, "alerts.number": number})
        return next((Alert(**one) for one in week["alerts"] if one["number"] == number), None) if week else None

    async def claim(self, repository: str, number: int, head_sha: str) -> bool:
        """Take one of this week's places, unless all are taken."""
        if self._budget < 1:
            return False
        now = datetime.now(UTC)
        free = {f"alerts.{self._budget - 1}": {"$exists": False}, "alerts.number": {"$ne": number}}
        content = {"repository": repository, "created_at": now}
        change = {"$push": {"alerts": Alert(number, head_sha)._asdict()}, "$setOnInsert": content}
        own = {"_id": f"{repository} {format_week(now)}"}
        while True:
            try:
                await self._collection.update_one({**own, **free}, change, upsert=True)
            except DuplicateKeyError:  # the week is there and has no place, or came to be there just now
                if await self._collection.find_one({**own, **free}) is None:
                    return await self._collection.find_one({**own, "alerts.number": number}) is not None
            else:
                return True

    async def record(self, repository: str, alert: Alert) -> None:
        """Keep what was said, in the pull request's place."""
        own = {"repository": repository, "alerts.number": alert.number}
        await self._collection.update_one(own, {"$set": {"alerts.$": alert._asdict()}})


def format_week(moment: datetime) -> str:
    """The week by ISO 8601: `2026-W36`."""
    year, number, _ = moment.isocalendar()
    return f"{year}-W{number:02}"
