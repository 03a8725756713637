"""The histories that scoring reads: the states that preprocess stored in MongoDB, and pull requests opened since."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import bson
from bson.codec_options import CodecOptions
from pymongo.database import Database
from pymongo.errors import PyMongoError

from steps.common.dataset import OVERALL
from steps.common.errors import SentinelError, Unavailable
from steps.common.mongo import Document
from steps.scoring import golden
from steps.scoring.artefact import GOLDEN_REPOSITORY
from steps.scoring.history import History
from steps.scoring.last_day import Recent
from steps.serve import absence
from steps.serve.absence import Absence

FRESH_SECONDS = 30.0
MAX_CONCURRENT_QUERIES = 4
"""Concurrent queries; if MongoDB is down, those that wait learn it from the first."""
MAX_CACHED = 64
"""Histories in memory, a few megabytes each."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourcedHistory:
    """The history that a pull request is compared with, and its source; `history` is None without one.

    `is_stand_in` is True where MongoDB did not answer for the repository's own.
    """

    history: History | None
    source: Literal["repository", "all", "none"]
    is_stand_in: bool = False


@dataclass
class _CachedHistory:
    past: SourcedHistory
    dataset: str
    until: float


NO_HISTORY = SourcedHistory(None, "none")
_TZ_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)


class _UnreadableHistoryError(Exception):
    """A repository's history could not be read."""


class _AwayError(_UnreadableHistoryError):
    """MongoDB does not answer, so a later attempt may succeed."""


class Histories:
    """Histories by repository; cached ones are returned at once and renewed in the background.

    The golden pull requests have the history that they were made with, so that `/score` reproduces their scores.
    """

    def __init__(self, database: Database[Document] | None) -> None:
        self._database = database
        self._golden = SourcedHistory(golden.past(), "repository")
        self._cache: OrderedDict[str, _CachedHistory] = OrderedDict()
        self._renewals: dict[str, asyncio.Task[SourcedHistory]] = {}
        self._query_slots = asyncio.Semaphore(MAX_CONCURRENT_QUERIES)
        self._absence = Absence()

    async def for_repositories(self, repositories: Iterable[str]) -> dict[str, SourcedHistory]:
        """Return the history of each repository; without one, or if it can't be waited for, that of all or none."""
        wanted = set(repositories)
        found = {name: past for name in wanted if (past := self._get_cached(name))}
        reads = {name: self._start_renewal(name) for name in wanted - found.keys()}
        await self._absence.wait_for(reads.values())
        return found | {
            name: read.result() if read.done() else _replace(self._get_cached(OVERALL)) for name, read in reads.items()
        }

    async def read(self, repositories: Iterable[str]) -> None:
        """Read the histories of repositories, for as long as it takes.

        Raises:
            Unavailable: MongoDB does not answer, and one is not in memory.
        """
        for name in set(repositories):
            past = self._get_cached(name)
            if past is None or past.is_stand_in:
                past = await asyncio.shield(self._start_renewal(name))
            if past.is_stand_in:
                raise Unavailable(f"MongoDB does not answer for the history of {name}.", advice="Check that it is up.")

    def forget(self, repository: str) -> None:
        """Drop a repository from the cache, so that it is read again."""
        self._cache.pop(repository, None)

    def _get_cached(self, repository: str) -> SourcedHistory | None:
        """Return the cached history, and renew it in the background if it is old."""
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
        """Start to read a repository's history, or join the read that is already running."""
        task = self._renewals.get(repository)
        if task is None:
            task = self._renewals[repository] = asyncio.create_task(self._renew(repository))
            task.add_done_callback(lambda _: self._renewals.pop(repository, None))
        return task

    async def _renew(self, repository: str) -> SourcedHistory:
        cached = self._cache.get(repository)
        is_away = False
        try:
            async with self._query_slots:
                found = await self._query(repository, cached)
        except _UnreadableHistoryError as error:
            found = cached  # an old one is better than none
            is_away = isinstance(error, _AwayError)
        past = found.past if found else await self._fall_back_to_overall(repository)
        past = past if past.source == "repository" else replace(past, is_stand_in=is_away)
        lifetime = FRESH_SECONDS if past.history else absence.AWAY_SECONDS
        self._store_in_cache(
            repository, _CachedHistory(past, found.dataset if found else "", time.monotonic() + lifetime)
        )
        return past

    async def _query(self, repository: str, cached: _CachedHistory | None) -> _CachedHistory | None:
        """Read a repository's history from MongoDB.

        Raises:
            _AwayError: MongoDB does not answer.
            _UnreadableHistoryError: no MongoDB is configured, or the state is damaged.
        """
        if self._database is None:
            raise _UnreadableHistoryError
        if self._absence.lasts:
            raise _AwayError
        try:
            return await asyncio.to_thread(_read_history, self._database, repository, cached)
        except Exception as error:  # a state can be damaged in many ways
            logger.warning("could not read a history", extra={"repository": repository, "error": _format_error(error)})
            if isinstance(error, PyMongoError):
                self._absence.begin()
                raise _AwayError from None
            raise _UnreadableHistoryError from None

    async def _fall_back_to_overall(self, repository: str) -> SourcedHistory:
        """Return the history of all repositories, for one that has none of its own."""
        if repository == OVERALL:
            return NO_HISTORY
        return _replace(self._get_cached(OVERALL) or await asyncio.shield(self._start_renewal(OVERALL)))

    def _store_in_cache(self, repository: str, cached: _CachedHistory) -> None:
        self._cache[repository] = cached
        self._cache.move_to_end(repository)
        while len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)


def _replace(overall: SourcedHistory | None) -> SourcedHistory:
    """Return the history of all repositories for one that has none of its own."""
    return SourcedHistory(overall.history, "all") if overall and overall.history else NO_HISTORY


def _read_history(
    database: Database[Document], repository: str, cached: _CachedHistory | None
) -> _CachedHistory | None:
    """Read a repository's state and add the pull requests opened since; None if there is no state.

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
