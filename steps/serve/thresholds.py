"""Thresholds of each repository between trainings: they go on from the scores of signed webhook deliveries."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Iterable

from pymongo.database import Database
from pymongo.errors import PyMongoError

from steps.common.mongo import Document
from steps.scoring.model import Model
from steps.scoring.thresholds import NEWEST, Limits, Rolling
from steps.serve.absence import Absence
from steps.serve.contract import ScoreResult

WEBHOOK = "/webhook"
"""Only what GitHub itself delivered counts: callers of the interface could move a threshold as they please."""
MAX_REPOSITORIES = 1_000
MAX_REMEMBERED = 5_000
"""Pull requests whose score was counted; scored again, they don't count again."""

logger = logging.getLogger(__name__)


class LiveThresholds:
    """The limits of each repository, from the newest scores of training and of the service's own predictions."""

    def __init__(self, model: Model, database: Database[Document] | None, digest: str) -> None:
        self._model = model
        self._predictions = None if database is None else database.predictions
        self._digest = digest
        self._absence = Absence()
        self._reads: dict[str, asyncio.Task[None]] = {}
        self._rolling: OrderedDict[str, Rolling] = OrderedDict()
        self._budgets: OrderedDict[str, float] = OrderedDict()
        self._counted: OrderedDict[str, None] = OrderedDict()

    async def prepare(self, repositories: Iterable[str]) -> None:
        """Take in what the service predicted before it started, once for each repository; a failure costs only that.

        Repositories that the model was not trained with keep the limits over all: nothing is read for them, so that a
        caller who makes up names costs no query.
        """
        missing = {name for name in repositories if self._model.has_own_limits(name)} - self._rolling.keys()
        if (unasked := missing - self._reads.keys()) and not self._absence.lasts:
            self._reads |= dict.fromkeys(unasked, asyncio.create_task(self._take_in(unasked)))
        await self._absence.wait_for({self._reads[name] for name in missing & self._reads.keys()})

    async def _take_in(self, repositories: Collection[str]) -> None:
        try:
            found = await asyncio.to_thread(self._read, repositories)
        except PyMongoError as error:
            self._absence.begin()
            logger.warning("predictions can't be read", extra={"error": type(error).__name__})
            return
        finally:
            for name in repositories:
                del self._reads[name]
        for name in repositories:
            rolling = self._with_budget(name, self._model.rolling(name))
            for identity, score, threshold in found.get(name, ()):
                self._count(rolling, identity, score, threshold)
            self._rolling[name] = rolling
        while len(self._rolling) > MAX_REPOSITORIES:
            self._rolling.popitem(last=False)

    def limits(self, repository: str) -> Limits:
        """Return the limits of a repository; those of training where it was not prepared."""
        if rolling := self._rolling.get(repository):
            return rolling.current()
        budget = self._budgets.get(repository)
        return self._model.limits(repository) if budget is None else self._model.limits_at(budget)

    def set_budget(self, repository: str, budget: float | None) -> None:
        """Set a repository's own alert budget, the share of its pull requests to flag; None for that of the model."""
        if self._budgets.get(repository) == budget:
            return
        self._budgets.pop(repository, None)
        if budget is not None:
            self._budgets[repository] = budget
        while len(self._budgets) > MAX_REPOSITORIES:
            self._budgets.popitem(last=False)
        if rolling := self._rolling.get(repository):
            self._with_budget(repository, rolling)

    def _with_budget(self, repository: str, rolling: Rolling) -> Rolling:
        rolling.budget = self._budgets.get(repository, self._model.alert_budget)
        rolling.overall = self._model.limits_at(rolling.budget)
        return rolling

    def update(self, results: Iterable[ScoreResult], route: str) -> None:
        """Take in new scores, if GitHub delivered them and they were compared with the repository's own past."""
        if route != WEBHOOK:
            return
        for result in results:
            rolling = self._rolling.get(result.repository)
            if rolling and result.history == "repository":
                self._count(rolling, result.id, result.score, result.threshold)

    def _count(self, rolling: Rolling, identity: str, score: float, threshold: float) -> None:
        if identity in self._counted:
            return
        self._counted[identity] = None
        while len(self._counted) > MAX_REMEMBERED:
            self._counted.popitem(last=False)
        rolling.update(score, threshold)

    def _read(self, repositories: Iterable[str]) -> dict[str, list[tuple[str, float, float]]]:
        """Return the newest predictions of this model for each repository, the oldest first.

        Raises:
            PyMongoError: MongoDB does not answer.
        """
        if self._predictions is None:
            return {}
        shown = {"id": 1, "score": 1, "threshold": 1}
        wanted = {
            "model.digest": self._digest,
            "route": WEBHOOK,
            "history": "repository",
            "threshold": {"$exists": True},
        }
        found = {}
        for name in repositories:
            newest = self._predictions.find({"repository": name, **wanted}, shown).sort("scored_at", -1).limit(NEWEST)
            found[name] = [(one["id"], one["score"], one["threshold"]) for one in newest][::-1]
        return found
