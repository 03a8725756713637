"""The webhook worker: score a delivery's pull request in its present state, and notify if it is unusual."""

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
from steps.serve.contract import ModelName, ScoreResult
from steps.serve.github_access import TIMEOUT_SECONDS, CredentialProvider, FetchedPullRequest, GitHubRestClient
from steps.serve.webhooks import messages
from steps.serve.webhooks.alerts import Alert, Alerts
from steps.serve.webhooks.deliveries import LEASE_SECONDS, Delivery, DeliveryQueue
from steps.serve.webhooks.notifiers import Notifier

POLL_SECONDS = 2.0
"""Interval of looking for deliveries that other replicas received or that are due again."""
ATTEMPT_SECONDS = LEASE_SECONDS / 2
STOP_SECONDS = 15.0
"""Time to finish the current delivery when the service stops."""

logger = logging.getLogger(__name__)


class _HasResult(Protocol):
    @property
    def result(self) -> ScoreResult:
        """The score."""


class ScorerProtocol(Protocol):
    """The interface of `scorer.Scorer`."""

    @property
    def name(self) -> ModelName:
        """The model."""

    async def score(self, pulls: Sequence[PullRequest]) -> Sequence[_HasResult]:
        """Score pull requests, in their order."""


class Notification(NamedTuple):
    """The alert budget and the notifier for unusual pull requests."""

    alerts: Alerts
    notifier: Notifier


class Worker:
    """Processes one delivery at a time, as GitHub asks of API clients.

    `on_opened` is awaited for each opened pull request; without `notification`, results are only recorded. `prepare`
    is awaited before the first delivery.
    """

    def __init__(
        self,
        deliveries: DeliveryQueue,
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
        """Look for a delivery now."""
        self._wake.set()

    async def run(self) -> None:
        """Process deliveries until `stop` is called; failures are retried."""
        away = False
        while not self._stopping:
            worked = False
            try:
                worked = await self._process_next()
                away = False
            except PyMongoError as error:
                extra = {"error": type(error).__name__, "code": getattr(error, "code", None)}
                logger.log(
                    logging.DEBUG if away else logging.WARNING,
                    "MongoDB does not answer; deliveries are waiting",
                    extra=extra,
                )
                away = True
            except Exception:
                logger.exception("unexpected error in the webhook worker")
            if not worked:
                await self._wait_for_work()

    async def _process_next(self) -> bool:
        """Process the next delivery, and return False if none is due."""
        while self._prepare:
            await self._prepare[0]()
            self._prepare.pop(0)
        delivery = await self._deliveries.take()
        if delivery is not None:
            await self._attempt(delivery)
        return delivery is not None

    async def stop(self, task: "asyncio.Task[None]") -> None:
        """Finish the current delivery, or return it to the queue after STOP_SECONDS."""
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
        except PyMongoError as error:  # its lease expires
            logger.warning(
                "MongoDB failed during a delivery", extra=_build_log_fields(delivery) | {"error": type(error).__name__}
            )

    async def _process(self, delivery: Delivery) -> None:
        """Process a delivery and record the outcome.

        Raises:
            PyMongoError: the outcome can't be recorded.
        """
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                outcome, result = await self._score_and_notify(delivery)
            await self._deliveries.finish(delivery, outcome, result)
            _log(delivery, outcome)
        except TransientError as error:
            await self._postpone(delivery, error.problem, error.wait)
        except (TimeoutError, Unavailable) as error:
            await self._postpone(delivery, str(error) or "it took too long")
        except SentinelError as error:
            await self._deliveries.fail(delivery, str(error))
            _log(delivery, "failed", problem=error.problem, advice=error.advice)
        except asyncio.CancelledError:
            # A request in flight can't be cancelled, so no other worker starts before it has ended.
            with suppress(PyMongoError):
                await self._deliveries.release(delivery, after=TIMEOUT_SECONDS)
            raise
        except PyMongoError:
            raise
        except Exception as error:
            logger.exception("unexpected error in a delivery", extra=_build_log_fields(delivery))
            await self._postpone(delivery, f"Unexpected {type(error).__name__}")

    async def _postpone(self, delivery: Delivery, problem: str, wait: float | None = None) -> None:
        due = await self._deliveries.postpone(delivery, problem, wait)
        _log(delivery, "failed" if due is None else "postponed", problem=problem, due=due)

    async def _score_and_notify(self, delivery: Delivery) -> tuple[str, dict[str, Any]]:
        """Fetch, score and notify.

        Returns:
            The outcome in a word or two, and the result to record.
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
        posted = await asyncio.to_thread(notifier.notify, github, repository, alert, head_sha, message)
        if posted is None:
            return "removed by a person"
        await alerts.record(repository, posted)
        return "announced" if alert.place is None else "updated"


def _build_log_fields(delivery: Delivery) -> dict[str, Any]:
    notice = delivery.notice
    pull = f"{notice.repository}#{notice.number}"
    return {"delivery": notice.delivery, "pull_request": pull, "action": notice.action, "attempt": delivery.attempt}


def _log(delivery: Delivery, outcome: str, **more: Any) -> None:
    metrics.count_delivery(outcome)
    level = logging.INFO if outcome not in ("failed", "postponed") else logging.WARNING
    logger.log(level, "delivery %s", outcome, extra=_build_log_fields(delivery) | more)
