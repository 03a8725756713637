"""The webhook worker: score a delivery's pull request in its present state, and notify if it is unusual."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from pymongo.errors import PyMongoError

from steps.common import tracing
from steps.common.errors import SentinelError, Unavailable
from steps.common.github_errors import TransientError
from steps.common.pull_request import PullRequest
from steps.serve import metrics, spans
from steps.serve.background import finish
from steps.serve.contract import ModelName
from steps.serve.feedback import Vote
from steps.serve.github_access import TIMEOUT_SECONDS, CredentialProvider, GitHubRestClient
from steps.serve.webhooks.consistency import is_premature, require_current
from steps.serve.webhooks.deliveries import LEASE_SECONDS, Delivery, DeliveryQueue
from steps.serve.webhooks.events import LABEL_ACTIONS, Notice, Voter
from steps.serve.webhooks.feedback import Feedback
from steps.serve.webhooks.notification import Finding, Notification
from steps.serve.webhooks.policies import RepositoryPolicies

if TYPE_CHECKING:
    from steps.serve.scorer import ScoredPullRequest
    from steps.serve.thresholds import LiveThresholds

POLL_SECONDS = 2.0
"""Interval of looking for deliveries that other replicas received or that are due again."""
ATTEMPT_SECONDS = LEASE_SECONDS / 2
STOP_SECONDS = 15.0
"""Time to finish the current delivery when the service stops."""

logger = logging.getLogger(__name__)


class ScorerProtocol(Protocol):
    """The interface of `scorer.Scorer`."""

    @property
    def name(self) -> ModelName:
        """The model."""

    @property
    def thresholds(self) -> "LiveThresholds":
        """The thresholds of repositories."""

    async def score(self, pulls: Sequence[PullRequest], *, muted: Collection[str]) -> "Sequence[ScoredPullRequest]":
        """Score pull requests, in their order; `muted` are kinds of reasons."""


class Worker:
    """Processes one delivery at a time, as GitHub asks of API clients.

    `on_opened` is awaited for each opened pull request; without `notification`, results are only recorded.
    """

    def __init__(
        self,
        deliveries: DeliveryQueue,
        scorer: ScorerProtocol,
        credentials: CredentialProvider,
        policies: RepositoryPolicies,
        feedback: Feedback,
        on_opened: Callable[[PullRequest], Awaitable[None]],
        notification: Notification | None,
    ) -> None:
        self._deliveries = deliveries
        self._scorer = scorer
        self._credentials = credentials
        self._policies = policies
        self._feedback = feedback
        self._on_opened = on_opened
        self._notification = notification
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
        delivery = await self._deliveries.take()
        if delivery is None:
            return await self._read_feedback()
        await self._attempt(delivery)
        return True

    async def _read_feedback(self) -> bool:
        """Read the reactions to one comment while there is nothing else to do, and return False if none is due."""
        github = self._credentials.for_mode("comment", None) if self._notification else None
        return github is not None and await self._feedback.read_next(github)

    async def stop(self, task: "asyncio.Task[None]") -> None:
        """Finish the current delivery, or return it to the queue after STOP_SECONDS."""
        self._stopping = True
        self.wake()
        await finish(task, STOP_SECONDS)

    async def _wait_for_work(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
        self._wake.clear()

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            with spans.start_delivery(delivery.notice, delivery.attempt, delivery.traceparent):
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
            metrics.count_work(200)
            await self._deliveries.finish(delivery, outcome, result)
            _log(delivery, outcome)
        except TransientError as error:
            await self._postpone(delivery, error.problem, error.wait)
        except (TimeoutError, Unavailable) as error:
            await self._postpone(delivery, str(error) or "it took too long")
        except SentinelError as error:
            if is_premature(error, delivery):
                return await self._postpone(delivery, error.problem)
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
            metrics.count_work(500)
            logger.exception("unexpected error in a delivery", extra=_build_log_fields(delivery))
            await self._postpone(delivery, f"Unexpected {type(error).__name__}")

    async def _postpone(self, delivery: Delivery, problem: str, wait: float | None = None) -> None:
        due = await self._deliveries.postpone(delivery, problem, wait)
        _log(delivery, "failed" if due is None else "postponed", problem=problem, due=due)

    async def _score_and_notify(self, delivery: Delivery) -> tuple[str, dict[str, Any]]:
        """Fetch, score and notify, by the rules of the repository.

        Returns:
            The outcome in a word or two, and the result to record.
        """
        notice = delivery.notice
        github = self._credentials.for_installation(notice.installation)
        if delivery.voter is not None:
            return await self._count_vote(github, notice, delivery.voter), {}
        rules = await self._policies.load(github, notice.repository)
        if rules.policy.mode == "off":
            return "off", {}
        if notice.action in LABEL_ACTIONS and not rules.policy.mute.labels:
            return "ignored", {}
        with tracing.start_span("fetch pull request", {}, "client"):
            fetched = await asyncio.to_thread(github.fetch_pull_request, notice.repository, notice.number)
        require_current(fetched, delivery)
        self._scorer.thresholds.set_budget(fetched.pull.base.repo.full_name, rules.policy.alert_budget)
        with tracing.start_span("score", {}), metrics.measure_work():
            scored = (await self._scorer.score([fetched.pull], muted=rules.policy.mute.reasons))[0]
            tracing.describe(spans.describe_result(scored.result) | spans.describe_model(self._scorer.name))
        if notice.action == "opened":
            await self._on_opened(fetched.pull)
        recorded = scored.result.model_dump() | {"model": self._scorer.name.version, "head_sha": fetched.head_sha}
        if self._notification is None or not notice.is_published:
            return "recorded", recorded
        finding = Finding(notice.repository, fetched, scored.result, scored.heard, scored.kinds)
        with tracing.start_span("publish", {}):
            outcome = await self._notification.publish(self._credentials, notice.installation, rules, finding)
        return outcome, recorded

    async def _count_vote(self, github: GitHubRestClient, notice: Notice, voter: Voter) -> str:
        """Count a vote by the button of a check run, and return the outcome."""
        vote: Vote = "useful" if notice.action == "useful" else "useless"
        is_counted = await self._feedback.vote(github, f"{notice.repository}#{notice.number}", voter, vote)
        return "counted" if is_counted else "not counted"


def _build_log_fields(delivery: Delivery) -> dict[str, Any]:
    notice = delivery.notice
    pull = f"{notice.repository}#{notice.number}"
    return {"delivery": notice.delivery, "pull_request": pull, "action": notice.action, "attempt": delivery.attempt}


def _log(delivery: Delivery, outcome: str, **more: Any) -> None:
    metrics.count_delivery(outcome)
    tracing.describe(spans.describe_outcome(outcome))
    level = logging.INFO if outcome not in ("failed", "postponed") else logging.WARNING
    logger.log(level, "delivery %s", outcome, extra=_build_log_fields(delivery) | more)
