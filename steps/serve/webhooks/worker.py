"""The work behind the webhook: look at a delivery's pull request as it is now, and tell of it if it is unusual."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from pymongo.errors import PyMongoError

from steps.common.errors import SentinelError, Unavailable
from steps.common.github_errors import Obstacle
from steps.common.pull_request import PullRequest
from steps.serve import metrics
from steps.serve.contract import ModelName, ScoreResult
from steps.serve.github_access import TIMEOUT_SECONDS, CredentialProvider, FetchedPullRequest, GitHubRestClient
from steps.serve.webhooks import messages
from steps.serve.webhooks.alerts import Alert, Alerts
from steps.serve.webhooks.deliveries import LEASE_SECONDS, Deliveries, Delivery
from steps.serve.webhooks.notifiers import Notifier

POLL_SECONDS = 2.0
"""For what other replicas have received, or what is due again."""
ATTEMPT_SECONDS = LEASE_SECONDS / 2
STOP_SECONDS = 15.0
"""For what is under way when the service is told to end."""

logger = logging.getLogger(__name__)


class _HasResult(Protocol):
    @property
    def result(self) -> ScoreResult:
        """What is said of it."""


class ScorerProtocol(Protocol):
    """Who scores; `scoring.Scorer` is one."""

    @property
    def name(self) -> ModelName:
        """The model."""

    async def score(self, pulls: Sequence[PullRequest]) -> Sequence[_HasResult]:
        """Score pull requests, in their order."""


class Notification(NamedTuple):
    """How unusual pull requests are told of."""

    alerts: Alerts
    notifier: Notifier


class Worker:
    """Works on one delivery at a time, which is how GitHub wants to be asked.

    `opened` is told of each opening; without `telling`, results are only recorded. `prepare` is awaited before all.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        scorer: ScorerProtocol,
        credentials: CredentialProvider,
        on_opened: Callable[[PullRequest], Awaitable[None]],
        notification: Notification | None,
        prepare: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._deliveries = deliveries
        self._scorer = scorer
        self._credentials = credentials
        self._on_opened = on_opened
        self._notification = notification
        self._prepare = list(prepare)
        self._stopping = False
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Say that there is something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Work until told to stop; whatever goes wrong, what is left is tried again."""
        away = False
        while not self._stopping:
            worked = False
            try:
                worked = await self._process_next()
                away = False
            except PyMongoError as error:
                extra = {"error": type(error).__name__, "code": getattr(error, "code", None)}
                logger.log(logging.DEBUG if away else logging.WARNING, "deliveries wait for MongoDB", extra=extra)
                away = True
            except Exception:
                logger.exception("the work behind the webhook met a mistake of this service")
            if not worked:
                await self._wait_for_work()

    async def _process_next(self) -> bool:
        """Work on the next delivery, if one is due."""
        while self._prepare:
            await self._prepare[0]()
            self._prepare.pop(0)
        delivery = await self._deliveries.take()
        if delivery is not None:
            await self._attempt(delivery)
        return delivery is not None

    async def stop(self, task: "asyncio.Task[None]") -> None:
        """Finish what is under way, or hand it back where that takes too long."""
        self._stopping = True
        self.wake()
        await asyncio.wait([task], timeout=STOP_SECONDS)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _wait_for_work(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
        self._wake.clear()

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            await self._process(delivery)
        except PyMongoError as error:  # its lease ends by itself
            logger.warning(
                "MongoDB left a delivery's work", extra=_build_log_fields(delivery) | {"error": type(error).__name__}
            )

    async def _process(self, delivery: Delivery) -> None:
        """Work on a delivery, and record how that went.

        Raises:
            PyMongoError: it can't be recorded.
        """
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                outcome, result = await self._score_and_notify(delivery)
            await self._deliveries.finish(delivery, outcome, result)
            _log(delivery, outcome)
        except Obstacle as obstacle:
            await self._postpone(delivery, obstacle.problem, obstacle.wait)
        except (TimeoutError, Unavailable) as error:
            await self._postpone(delivery, str(error) or "it took too long")
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
            logger.exception("a delivery met a mistake of this service", extra=_build_log_fields(delivery))
            await self._postpone(delivery, f"a mistake of the service ({type(error).__name__})")

    async def _postpone(self, delivery: Delivery, problem: str, wait: float | None = None) -> None:
        due = await self._deliveries.postpone(delivery, problem, wait)
        _log(delivery, "failed" if due is None else "postponed", problem=problem, due=due)

    async def _score_and_notify(self, delivery: Delivery) -> tuple[str, dict[str, Any]]:
        """Fetch, score and tell.

        Returns:
            The outcome in a word or two, and what of the result is recorded.
        """
        notice = delivery.notice
        github = self._credentials.for_installation(notice.installation)
        fetched = await asyncio.to_thread(github.fetch_pull_request, notice.repository, notice.number)
        result = (await self._scorer.score([fetched.pull]))[0].result
        if notice.action == "opened":
            await self._on_opened(fetched.pull)
        recorded = result.model_dump() | {"model": self._scorer.name.version, "head_sha": fetched.head_sha}
        if self._notification is None:
            return "recorded", recorded
        return await self._notify(self._notification, github, notice.repository, fetched, result), recorded

    async def _notify(
        self,
        notification: Notification,
        github: GitHubRestClient,
        repository: str,
        fetched: FetchedPullRequest,
        result: ScoreResult,
    ) -> str:
        alerts, notifier = notification
        number, head_sha = fetched.pull.number, fetched.head_sha
        alert = await alerts.find(repository, number)
        if not result.unusual:
            if alert is None or not alert.unusual:
                return "standard"
            message = messages.format_back_to_standard(result, self._scorer.name)
            await asyncio.to_thread(notifier.update, github, repository, alert, message)
            await alerts.record(repository, alert._replace(unusual=False))
            return "standard again"
        if alert is None:
            if not await alerts.claim(repository, number, head_sha):
                return "held back"
            alert = Alert(number, head_sha)
        message = messages.format_unusual(result, self._scorer.name)
        said = await asyncio.to_thread(notifier.notify, github, repository, alert, head_sha, message)
        if said is None:
            return "removed by a person"
        await alerts.record(repository, said)
        return "announced" if alert.place is None else "updated"


def _build_log_fields(delivery: Delivery) -> dict[str, Any]:
    notice = delivery.notice
    pull = f"{notice.repository}#{notice.number}"
    return {"delivery": notice.delivery, "pull_request": pull, "action": notice.action, "attempt": delivery.attempt}


def _log(delivery: Delivery, outcome: str, **more: Any) -> None:
    metrics.count_delivery(outcome)
    level = logging.INFO if outcome not in ("failed", "postponed") else logging.WARNING
    logger.log(level, "delivery %s", outcome, extra=_build_log_fields(delivery) | more)
