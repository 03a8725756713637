"""Every scored pull request, stored in MongoDB for later comparison: features and score, no texts, no names."""

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
from steps.common.retention import count_kept_seconds
from steps.scoring.arrays import Floats
from steps.serve import absence, metrics
from steps.serve.background import finish
from steps.serve.contract import ModelName, ScoreResult

COLLECTION = "predictions"
KEPT_SECONDS = count_kept_seconds("predictions")
MAX_WAITING = 20_000
"""Above this, the oldest are dropped."""
BATCH = 500
FLUSH_SECONDS = 1.0
STOP_SECONDS = 6.0
"""Time to write what is waiting when the service stops; longer than one operation of MongoDB may take."""
DUPLICATE_KEY = 11000

logger = logging.getLogger(__name__)


class Prediction(Protocol):
    """The interface of `scorer.ScoredPullRequest`."""

    @property
    def result(self) -> ScoreResult:
        """The score of the pull request."""

    @property
    def features(self) -> Floats:
        """Its feature values [features]."""


class Predictions:
    """A queue of scores that are written in the background; without a database it drops them."""

    def __init__(self, database: Database[Document] | None, model: ModelName) -> None:
        self._collection = None if database is None else database[COLLECTION]
        self._model = {"version": model.version, "digest": model.digest}
        self._waiting: deque[Document] = deque()
        self._wake = asyncio.Event()
        self._prepared = False
        self._away = False
        self._stopping = False

    def enqueue(self, scored: Sequence[Prediction], route: str) -> None:
        """Enqueue scores to be written."""
        if self._collection is None:
            return
        now = datetime.now(UTC)
        self._waiting.extend(self._build_document(one, route, now) for one in scored)
        self._drop_oldest()
        if len(self._waiting) >= BATCH and not self._away:
            self._wake.set()

    async def run(self) -> None:
        """Write until `stop` is called."""
        while not self._stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), absence.AWAY_SECONDS if self._away else FLUSH_SECONDS)
            self._wake.clear()
            try:
                await self._flush()
            except Exception:  # a bug here must not stop the writer
                logger.exception("could not write predictions")

    async def stop(self, running: "asyncio.Task[None]") -> None:
        """Write what is left, within STOP_SECONDS."""
        self._stopping = True
        self._wake.set()
        await finish(running, STOP_SECONDS)
        if self._waiting:
            logger.warning("predictions lost", extra={"count": len(self._waiting)})
            metrics.PREDICTIONS.labels("dropped").inc(len(self._waiting))

    def _build_document(self, scored: Prediction, route: str, now: datetime) -> Document:
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

    def _put_back(self, batch: list[Document]) -> None:
        self._waiting.extendleft(reversed(batch))
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        if (over := len(self._waiting) - MAX_WAITING) > 0:
            for _ in range(over):
                self._waiting.popleft()
            metrics.PREDICTIONS.labels("dropped").inc(over)
        metrics.WAITING.set(len(self._waiting))

    async def _flush(self) -> None:
        """Write what is waiting; if MongoDB does not answer, it stays in the queue."""
        deadline = time.monotonic() + STOP_SECONDS
        while self._waiting and time.monotonic() < deadline:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                await asyncio.to_thread(self._write, batch)
            except asyncio.CancelledError:
                self._put_back(batch)
                raise
            except PyMongoError as error:
                self._put_back(batch)
                if not self._away:
                    logger.warning(
                        "MongoDB does not answer; predictions are waiting", extra={"error": type(error).__name__}
                    )
                self._away = True
                return
            self._away = False
            metrics.PREDICTIONS.labels("written").inc(len(batch))
            metrics.WAITING.set(len(self._waiting))

    def _write(self, batch: list[Document]) -> None:
        """Insert documents; those that an earlier attempt has already written are skipped.

        Raises:
            PyMongoError: MongoDB does not answer, or rejects the documents.
        """
        assert self._collection is not None  # noqa: S101  nothing is enqueued without it
        if not self._prepared:
            self._collection.create_index("scored_at", expireAfterSeconds=KEPT_SECONDS)
            self._collection.create_index([("repository", 1), ("scored_at", -1)])
            self._prepared = True
        try:
            self._collection.insert_many(batch, ordered=False)
        except BulkWriteError as error:
            if any(one["code"] != DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise
