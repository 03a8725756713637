"""The work behind the webhook: look at a delivery's pull request as it is now, and tell of it if it is unusual."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from pymongo.errors import PyMongoError

from steps.common.errors import SentinelError, Unavailable
from steps.common.github_errors import TransientError
from steps.common.pull_request import PullRequest
from steps.serve import metrics
from steps.serve.contract import ModelName, Result
from steps.serve.github_access import TIMEOUT_SECONDS, Fetched, GitHub, Identities
from steps.serve.webhooks import messages
from steps.serve.webhooks.alerts import Alert, Alerts
from steps.serve.webhooks.deliveries import LEASE_SECONDS, Deliveries, Delivery
from steps.serve.webhooks.notifiers import Announcer

LOOK_EVERY_SECONDS = 2.0
"""For what other replicas have received, or what is due again."""
ATTEMPT_SECONDS = LEASE_SECONDS / 2
STOP_SECONDS = 15.0
"""For what is under way when the service is told to end."""

logger = logging.getLogger(__name__)


class _Scored(Protocol):
    @property
    def result(self) -> Result:
        """What is said of it."""


class Judge(Protocol):
    """Who scores; `scoring.Scorer` is one."""

    @property
    def name(self) -> ModelName:
        """The model."""

    async def score(self, pulls: Sequence[PullRequest]) -> Sequence[_Scored]:
        """Score pull requests, in their order."""


class Telling(NamedTuple):
    """How unusual pull requests are told of."""

    alerts: Alerts
    announcer: Announcer


class Worker:
    """Works on one delivery at a time, which is how GitHub wants to be asked.

    `opened` is told of each opening; without `telling`, results are only recorded. `prepare` is awaited before all.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        judge: Judge,
        identities: Identities,
        opened: Callable[[PullRequest], Awaitable[None]],
        telling: Telling | None,
        prepare: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._deliveries = deliveries
        self._judge = judge
        self._identities = identities
        self._opened = opened
        self._telling = telling
        self._prepare = list(prepare)
        self._stopping = False
        self._called = asyncio.Event()

    def call(self) -> None:
        """Say that there is something to do."""
        self._called.set()

    async def run(self) -> None:
        """Work until told to stop; whatever goes wrong, what is left is tried again."""
        away = False
        while not self._stopping:
            worked = False
            try:
                worked = await self._next()
                away = False
            except PyMongoError as error:
                extra = {"error": type(error).__name__, "code": getattr(error, "code", None)}
                logger.log(logging.DEBUG if away else logging.WARNING, "deliveries wait for MongoDB", extra=extra)
                away = True
            except Exception:
                logger.exception("the work behind the webhook met a mistake of this service")
            if not worked:
                await self._rest()

    async def _next(self) -> bool:
        """Work on the next delivery, if one is due."""
        while self._prepare:
            await self._prepare[0]()
            self._prepare.pop(0)
        delivery = await self._deliveries.take()
        if delivery is not None:
            await self._attempt(delivery)
        return delivery is not None

    async def stop(self, running: "asyncio.Task[None]") -> None:
        """Finish what is under way, or hand it back where that takes too long."""
        self._stopping = True
        self.call()
        await asyncio.wait([running], timeout=STOP_SECONDS)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._called.wait(), LOOK_EVERY_SECONDS)
        self._called.clear()

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            await self._recorded(delivery)
        except PyMongoError as error:  # its lease ends by itself
            logger.warning("MongoDB left a delivery's work", extra=_names(delivery) | {"error": type(error).__name__})

    async def _recorded(self, delivery: Delivery) -> None:
        """Work on a delivery, and record how that went.

        Raises:
            PyMongoError: it can't be recorded.
        """
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                outcome, result = await self._work(delivery)
            await self._deliveries.finish(delivery, outcome, result)
            _log(delivery, outcome)
        except TransientError as obstacle:
            await self._later(delivery, obstacle.problem, obstacle.wait)
        except (TimeoutError, Unavailable) as error:
            await self._later(delivery, str(error) or "it took too long")
        except SentinelError as error:
            await self._deliveries.fail(delivery, str(error))
            _log(delivery, "failed", problem=error.problem, advice=error.advice)
        except asyncio.CancelledError:
            # A request under way can't be called back, so nobody else begins before its end.
            with suppress(PyMongoError):
                await self._deliveries.release(delivery, after=TIMEOUT_SECONDS)
            raise
        except PyMongoError:
            raise
        except Exception as error:
            logger.exception("a delivery met a mistake of this service", extra=_names(delivery))
            await self._later(delivery, f"a mistake of the service ({type(error).__name__})")

    async def _later(self, delivery: Delivery, problem: str, wait: float | None = None) -> None:
        due = await self._deliveries.postpone(delivery, problem, wait)
        _log(delivery, "failed" if due is None else "postponed", problem=problem, due=due)

    async def _work(self, delivery: Delivery) -> tuple[str, dict[str, Any]]:
        """Fetch, score and tell.

        Returns:
            The outcome in a word or two, and what of the result is recorded.
        """
        notice = delivery.notice
        github = self._identities.of(notice.installation)
        fetched = await asyncio.to_thread(github.pull_request, notice.repository, notice.number)
        result = (await self._judge.score([fetched.pull]))[0].result
        if notice.action == "opened":
            await self._opened(fetched.pull)
        recorded = result.model_dump() | {"model": self._judge.name.version, "head_sha": fetched.head_sha}
        if self._telling is None:
            return "recorded", recorded
        return await self._tell(self._telling, github, notice.repository, fetched, result), recorded

    async def _tell(self, telling: Telling, github: GitHub, repository: str, fetched: Fetched, result: Result) -> str:
        alerts, announcer = telling
        number, head_sha = fetched.pull.number, fetched.head_sha
        alert = await alerts.earlier(repository, number)
        if not result.unusual:
            if alert is None or not alert.unusual:
                return "standard"
            words = messages.standard_again(result, self._judge.name)
            await asyncio.to_thread(announcer.amend, github, repository, alert, words)
            await alerts.note(repository, alert._replace(unusual=False))
            return "standard again"
        if alert is None:
            if not await alerts.claim(repository, number, head_sha):
                return "held back"
            alert = Alert(number, head_sha)
        words = messages.unusual(result, self._judge.name)
        said = await asyncio.to_thread(announcer.tell, github, repository, alert, head_sha, words)
        if said is None:
            return "removed by a person"
        await alerts.note(repository, said)
        return "announced" if alert.place is None else "updated"


def _names(delivery: Delivery) -> dict[str, Any]:
    notice = delivery.notice
    pull = f"{notice.repository}#{notice.number}"
    return {"delivery": notice.delivery, "pull_request": pull, "action": notice.action, "attempt": delivery.attempt}


def _log(delivery: Delivery, outcome: str, **more: Any) -> None:
    metrics.delivered(outcome)
    level = logging.INFO if outcome not in ("failed", "postponed") else logging.WARNING
    logger.log(level, "delivery %s", outcome, extra=_names(delivery) | more)
