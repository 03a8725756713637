"""What people said about the latest alerts of a repository, for whoever asks the service."""

import asyncio
import logging

from pymongo.database import Database
from pymongo.errors import PyMongoError

from steps.common.mongo import Document
from steps.serve.absence import Absence
from steps.serve.feedback import RECENT, FeedbackSummary, read_feedback, summarise_feedback

UNKNOWN = FeedbackSummary(0, 0)

logger = logging.getLogger(__name__)


class RecentFeedback:
    """Summaries of votes; without a database, or while it is away, there are none."""

    def __init__(self, database: Database[Document] | None) -> None:
        self._database = database
        self._absence = Absence()

    async def summarise(self, repository: str) -> FeedbackSummary:
        """Summarise the votes on the latest alerts of a repository."""
        if self._database is None or self._absence.lasts:
            return UNKNOWN
        read = asyncio.create_task(self._read(self._database, repository))
        await self._absence.wait_for([read])
        return read.result() if read.done() else UNKNOWN

    async def _read(self, database: Database[Document], repository: str) -> FeedbackSummary:
        try:
            found = await asyncio.to_thread(read_feedback, database, repository, RECENT)
        except PyMongoError as error:
            self._absence.begin()
            logger.warning("feedback can't be read", extra={"error": type(error).__name__})
            return UNKNOWN
        return summarise_feedback(found)
