"""Pull requests that webhooks reported as opened, so that a burst shows before the nightly state includes it."""

from datetime import UTC, datetime

from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from steps.common.mongo import Document
from steps.common.pull_request import PullRequest
from steps.common.retention import count_kept_seconds
from steps.scoring.vectors import plain_rows
from steps.serve.histories import Histories
from steps.serve.webhooks.indexed_collection import IndexedCollection

KEPT_SECONDS = count_kept_seconds("openings")
INDEXES = (
    IndexModel("kept_at", expireAfterSeconds=KEPT_SECONDS),
    IndexModel("repository"),
)


class RecentPullRequests:
    """The collection `openings`: hashes only, kept for two days."""

    def __init__(self, database: AsyncDatabase[Document], histories: Histories) -> None:
        self._collection = IndexedCollection(database.openings, INDEXES)
        self._histories = histories

    async def remember(self, pull: PullRequest) -> None:
        """Store an opened pull request for those that follow, if the repository has a history of its own."""
        collection = await self._collection.ready()
        repository = pull.base.repo.full_name
        past = (await self._histories.for_repositories([repository]))[repository]
        if past.history is None or past.source != "repository":
            return
        recent = past.history.recent(plain_rows([pull])[0])
        opening = recent._asdict() | {"repository": repository, "words": sorted(recent.words)}
        content = opening | {"kept_at": datetime.now(UTC)}
        await collection.replace_one({"_id": pull.id}, content, upsert=True)
        self._histories.forget(repository)
