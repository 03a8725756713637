"""The histories that scoring looks at: the states that preprocess left in MongoDB, and what was opened since."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import bson
from bson.codec_options import CodecOptions
from pymongo.database import Database
from pymongo.errors import PyMongoError

from steps.common.dataset import OVERALL
from steps.common.errors import SentinelError
from steps.common.mongo import Document
from steps.scoring import golden
from steps.scoring.artefact import GOLDEN_REPOSITORY
from steps.scoring.history import History
from steps.scoring.last_day import Recent

FRESH_SECONDS = 30.0
AWAY_SECONDS = 5.0
"""How long MongoDB is not asked again after it did not answer."""
MAX_CONCURRENT_QUERIES = 4
"""Questions to MongoDB; where it is away, the others that wait learn it from the first."""
MAX_CACHED = 64
"""Histories in memory; each takes a few megabytes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourcedHistory:
    """What a pull request is compared with, and whose past it is; without any, `history` is None."""

    history: History | None
    source: Literal["repository", "all", "none"]


@dataclass
class _CachedHistory:
    past: SourcedHistory
    dataset: str
    until: float


NO_HISTORY = SourcedHistory(None, "none")
_TZ_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)


class _UnreadableHistoryError(Exception):
    """What MongoDB has of a repository isn't known."""


class Histories:
    """Histories by repository; what is kept answers at once, and is renewed behind.

    That of the golden pull requests is the one they were made with, so that anybody can have them scored like others.
    """

    def __init__(self, database: Database[Document] | None) -> None:
        self._database = database
        self._golden = SourcedHistory(golden.past(), "repository")
        self._cache: OrderedDict[str, _CachedHistory] = OrderedDict()
        self._renewals: dict[str, asyncio.Task[SourcedHistory]] = {}
        self._query_slots = asyncio.Semaphore(MAX_CONCURRENT_QUERIES)
        self._away_until = 0.0

    async def for_repositories(self, repositories: Iterable[str]) -> dict[str, SourcedHistory]:
        """The past of each repository; where MongoDB has none or is away, that over all, or none."""
        wanted = set(repositories)
        found = {name: past for name in wanted if (past := self._get_cached(name))}
        missing = wanted - found.keys()
        return found | dict(zip(missing, await asyncio.gather(*map(self._get_or_renew, missing)), strict=True))

    def forget(self, repository: str) -> None:
        """Look again before this repository's next answer."""
        self._cache.pop(repository, None)

    async def _get_or_renew(self, repository: str) -> SourcedHistory:
        known = self._get_cached(repository)
        return known if known else await asyncio.shield(self._start_renewal(repository))

    def _get_cached(self, repository: str) -> SourcedHistory | None:
        """What is in memory, which is renewed behind where it is old."""
        if repository == GOLDEN_REPOSITORY:
            return self._golden
        cached = self._cache.get(repository)
        if cached is None:
            return None
        self._cache.move_to_end(repository)
        if cached.until < time.monotonic():
            self._start_renewal(repository)
        return cached.past

    def _start_renewal(self, repository: str) -> "asyncio.Task[SourcedHistory]":
        """The one look at MongoDB that is under way for this repository."""
        task = self._renewals.get(repository)
        if task is None:
            task = self._renewals[repository] = asyncio.create_task(self._renew(repository))
            task.add_done_callback(lambda _: self._renewals.pop(repository, None))
        return task

    async def _renew(self, repository: str) -> SourcedHistory:
        cached = self._cache.get(repository)
        try:
            async with self._query_slots:
                found = await self._query(repository, cached)
        except _UnreadableHistoryError:
            found = cached  # better old than none
        past = found.past if found else await self._fall_back_to_overall(repository)
        lifetime = FRESH_SECONDS if past.history else AWAY_SECONDS
        self._store_in_cache(
            repository, _CachedHistory(past, found.dataset if found else "", time.monotonic() + lifetime)
        )
        return past

    async def _query(self, repository: str, cached: _CachedHistory | None) -> _CachedHistory | None:
        """What MongoDB has of a repository.

        Raises:
            _Unreadable: that can't be known, or not read.
        """
        if self._database is None or time.monotonic() < self._away_until:
            raise _UnreadableHistoryError
        try:
            return await asyncio.to_thread(_read_history, self._database, repository, cached)
        except Exception as error:  # a state can be broken in many ways
            if isinstance(error, PyMongoError):
                self._away_until = time.monotonic() + AWAY_SECONDS
            logger.warning("a history can't be read", extra={"repository": repository, "error": _format_error(error)})
            raise _UnreadableHistoryError from None

    async def _fall_back_to_overall(self, repository: str) -> SourcedHistory:
        """The past over all repositories, for one that has none of its own."""
        if repository == OVERALL:
            return NO_HISTORY
        overall = await self._get_or_renew(OVERALL)
        return SourcedHistory(overall.history, "all") if overall.history else NO_HISTORY

    def _store_in_cache(self, repository: str, cached: _CachedHistory) -> None:
        self._cache[repository] = cached
        self._cache.move_to_end(repository)
        while len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)


def _read_history(
    database: Database[Document], repository: str, cached: _CachedHistory | None
) -> _CachedHistory | None:
    """A repository's state with what was opened since; None where there is no state.

    Raises:
        PyMongoError: MongoDB does not answer.
        DataError: the state is of another version.
    """
    newest = database.history.find_one({"_id": repository}, {"dataset": 1, "version": 1})
    if newest is None:
        return None
    openings = list(database.openings.find({"repository": repository}).sort("opened", 1))
    if cached and cached.past.source == "repository" and cached.dataset == newest["dataset"] and not openings:
        return cached
    document = database.history.find_one({"_id": repository}, {"state": 1, "dataset": 1})
    if document is None:
        return None
    history = History.from_state(bson.decode(document["state"], _TZ_AWARE))
    history.join(Recent(o["opened"], o["author"], frozenset(o["words"]), o["newcomer"]) for o in openings)
    return _CachedHistory(SourcedHistory(history, "repository"), document["dataset"], 0.0)


def _format_error(error: Exception) -> str:
    return error.problem if isinstance(error, SentinelError) else type(error).__name__
