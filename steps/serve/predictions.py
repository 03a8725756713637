"""Every scored pull request, kept in MongoDB for later comparison: features and score, no texts, no people's names."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from bson import ObjectId
from pymongo.database import Database
from pymongo.errors import BulkWriteError, PyMongoError

from steps.common.mongo import Document
from steps.scoring.arrays import Floats
from steps.serve import metrics
from steps.serve.contract import ModelName, Result

COLLECTION = "predictions"
KEPT_SECONDS = 90 * 24 * 3600
MOST_WAITING = 20_000
"""Beyond it, the oldest are dropped."""
BATCH = 500
FLUSH_SECONDS = 1.0
AWAY_SECONDS = 5.0
"""How long MongoDB is left alone after it did not answer."""
STOP_SECONDS = 5.0
"""For what still waits when the service ends."""
DUPLICATE_KEY = 11000

logger = logging.getLogger(__name__)


class Scored(Protocol):
    """What `scoring.Scored` has."""

    @property
    def result(self) -> Result:
        """The result."""

    @property
    def features(self) -> Floats:
        """What it came from [features]."""


class Predictions:
    """Takes scores at once and writes them behind; without a database it takes none."""

    def __init__(self, database: Database[Document] | None, model: ModelName) -> None:
        self._collection = None if database is None else database[COLLECTION]
        self._model = {"version": model.version, "digest": model.digest}
        self._waiting: deque[Document] = deque()
        self._called = asyncio.Event()
        self._prepared = False
        self._away = False
        self._stopping = False

    def keep(self, scored: Sequence[Scored], route: str) -> None:
        """Take scores, to be written soon."""
        if self._collection is None:
            return
        now = datetime.now(UTC)
        self._waiting.extend(self._document(one, route, now) for one in scored)
        self._drop()
        if len(self._waiting) >= BATCH and not self._away:
            self._called.set()

    async def run(self) -> None:
        """Write until told to stop."""
        while not self._stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), AWAY_SECONDS if self._away else FLUSH_SECONDS)
            self._called.clear()
            try:
                await self._flush()
            except Exception:  # a mistake here is no reason to keep nothing more
                logger.exception("predictions can't be written")

    async def stop(self, running: "asyncio.Task[None]") -> None:
        """Write what is left, unless that takes too long."""
        self._stopping = True
        self._called.set()
        await asyncio.wait([running], timeout=STOP_SECONDS)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        if self._waiting:
            logger.warning("predictions are lost", extra={"count": len(self._waiting)})
            metrics.PREDICTIONS.labels("dropped").inc(len(self._waiting))

    def _document(self, scored: Scored, route: str, now: datetime) -> Document:
        result = scored.result
        return {
            "_id": ObjectId(),
            "id": result.id,
            "repository": result.repository,
            "number": result.number,
            "scored_at": now,
            "score": result.score,
            "threshold": result.threshold,
            "level": result.level,
            "unusual": result.unusual,
            "history": result.history,
            "features": scored.features.tolist(),
            "model": self._model,
            "route": route,
        }

    def _drop(self) -> None:
        if (over := len(self._waiting) - MOST_WAITING) > 0:
            for _ in range(over):
                self._waiting.popleft()
            metrics.PREDICTIONS.labels("dropped").inc(over)
        metrics.WAITING.set(len(self._waiting))

    async def _flush(self) -> None:
        """Write what waits; where MongoDB does not answer, it goes on waiting."""
        deadline = time.monotonic() + STOP_SECONDS
        while self._waiting and time.monotonic() < deadline:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                await asyncio.to_thread(self._write, batch)
            except PyMongoError as error:
                self._waiting.extendleft(reversed(batch))
                self._drop()
                if not self._away:
                    logger.warning("predictions wait for MongoDB", extra={"error": type(error).__name__})
                self._away = True
                return
            self._away = False
            metrics.PREDICTIONS.labels("written").inc(len(batch))
            metrics.WAITING.set(len(self._waiting))

    def _write(self, batch: list[Document]) -> None:
        """Write documents; those that an earlier try has written already are left.

        Raises:
            PyMongoError: MongoDB does not answer, or refuses.
        """
        assert self._collection is not None  # noqa: S101  nothing waits without
        if not self._prepared:
            self._collection.create_index("scored_at", expireAfterSeconds=KEPT_SECONDS)
            self._prepared = True
        try:
            self._collection.insert_many(batch, ordered=False)
        except BulkWriteError as error:
            if any(one["code"] != DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise
