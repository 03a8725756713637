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
MOST_AT_ONCE = 4
"""Questions to MongoDB; where it is away, the others that wait learn it from the first."""
MOST_KEPT = 64
"""Histories in memory; each takes a few megabytes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Past:
    """What a pull request is compared with, and whose past it is; without any, `history` is None."""

    history: History | None
    whose: Literal["repository", "all", "none"]


@dataclass
class _Kept:
    past: Past
    dataset: str
    until: float


NONE = Past(None, "none")
_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)


class _Unreadable(Exception):
    """What MongoDB has of a repository isn't known."""


class Histories:
    """Histories by repository; what is kept answers at once, and is renewed behind.

    That of the golden pull requests is the one they were made with, so that anybody can have them scored like others.
    """

    def __init__(self, database: Database[Document] | None) -> None:
        self._database = database
        self._golden = Past(golden.past(), "repository")
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._renewals: dict[str, asyncio.Task[Past]] = {}
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._away_until = 0.0

    async def of(self, repositories: Iterable[str]) -> dict[str, Past]:
        """The past of each repository; where MongoDB has none or is away, that over all, or none."""
        wanted = set(repositories)
        found = {name: past for name in wanted if (past := self._known(name))}
        missing = wanted - found.keys()
        return found | dict(zip(missing, await asyncio.gather(*map(self._past, missing)), strict=True))

    def forget(self, repository: str) -> None:
        """Look again before this repository's next answer."""
        self._kept.pop(repository, None)

    async def _past(self, repository: str) -> Past:
        known = self._known(repository)
        return known if known else await asyncio.shield(self._renewal(repository))

    def _known(self, repository: str) -> Past | None:
        """What is in memory, which is renewed behind where it is old."""
        if repository == GOLDEN_REPOSITORY:
            return self._golden
        kept = self._kept.get(repository)
        if kept is None:
            return None
        self._kept.move_to_end(repository)
        if kept.until < time.monotonic():
            self._renewal(repository)
        return kept.past

    def _renewal(self, repository: str) -> "asyncio.Task[Past]":
        """The one look at MongoDB that is under way for this repository."""
        task = self._renewals.get(repository)
        if task is None:
            task = self._renewals[repository] = asyncio.create_task(self._renewed(repository))
            task.add_done_callback(lambda _: self._renewals.pop(repository, None))
        return task

    async def _renewed(self, repository: str) -> Past:
        kept = self._kept.get(repository)
        try:
            async with self._turns:
                found = await self._asked(repository, kept)
        except _Unreadable:
            found = kept  # better old than none
        past = found.past if found else await self._overall(repository)
        waits = FRESH_SECONDS if past.history else AWAY_SECONDS
        self._keep(repository, _Kept(past, found.dataset if found else "", time.monotonic() + waits))
        return past

    async def _asked(self, repository: str, kept: _Kept | None) -> _Kept | None:
        """What MongoDB has of a repository.

        Raises:
            _Unreadable: that can't be known, or not read.
        """
        if self._database is None or time.monotonic() < self._away_until:
            raise _Unreadable
        try:
            return await asyncio.to_thread(_read, self._database, repository, kept)
        except Exception as error:  # a state can be broken in many ways
            if isinstance(error, PyMongoError):
                self._away_until = time.monotonic() + AWAY_SECONDS
            logger.warning("a history can't be read", extra={"repository": repository, "error": _brief(error)})
            raise _Unreadable from None

    async def _overall(self, repository: str) -> Past:
        """The past over all repositories, for one that has none of its own."""
        if repository == OVERALL:
            return NONE
        overall = await self._past(OVERALL)
        return Past(overall.history, "all") if overall.history else NONE

    def _keep(self, repository: str, kept: _Kept) -> None:
        self._kept[repository] = kept
        self._kept.move_to_end(repository)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def _read(database: Database[Document], repository: str, kept: _Kept | None) -> _Kept | None:
    """A repository's state with what was opened since; None where there is no state.

    Raises:
        PyMongoError: MongoDB does not answer.
        DataError: the state is of another version.
    """
    newest = database.history.find_one({"_id": repository}, {"dataset": 1, "version": 1})
    if newest is None:
        return None
    openings = list(database.openings.find({"repository": repository}).sort("opened", 1))
    if kept and kept.past.whose == "repository" and kept.dataset == newest["dataset"] and not openings:
        return kept
    document = database.history.find_one({"_id": repository}, {"state": 1, "dataset": 1})
    if document is None:
        return None
    history = History.from_state(bson.decode(document["state"], _AWARE))
    history.join(Recent(o["opened"], o["author"], frozenset(o["words"]), o["newcomer"]) for o in openings)
    return _Kept(Past(history, "repository"), document["dataset"], 0.0)


def _brief(error: Exception) -> str:
    return error.problem if isinstance(error, SentinelError) else type(error).__name__
