"""Notification of maintainers: by the rules of the repository, within its budget, and kept up to date."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Literal, NamedTuple

from steps.common.errors import SentinelError
from steps.serve.contract import ModelName, ScoreResult
from steps.serve.github_access import CredentialProvider, FetchedPullRequest, GitHubRestClient
from steps.serve.policy import AlertPolicy, find_mute
from steps.serve.webhooks import messages
from steps.serve.webhooks.alerts import Alert, Alerts
from steps.serve.webhooks.feedback import Feedback
from steps.serve.webhooks.messages import Message
from steps.serve.webhooks.notifiers import Notifier
from steps.serve.webhooks.policies import RepositoryPolicy

PublishedMode = Literal["check", "comment"]

logger = logging.getLogger(__name__)


class Finding(NamedTuple):
    """A pull request as it was fetched, and its result: with everything, and without the reasons that are muted.

    `kinds` are those of the reasons that are not muted; `address` is the repository's name in the delivery, under which
    GitHub finds it even if it was renamed since.
    """

    address: str
    fetched: FetchedPullRequest
    result: ScoreResult
    heard: ScoreResult
    kinds: tuple[str, ...]

    @property
    def repository(self) -> str:
        """The repository of the pull request."""
        return self.result.repository


class Notification:
    """Publishes unusual pull requests; `mode` and `weekly_alerts` are those of repositories without rules."""

    def __init__(
        self,
        alerts: Alerts,
        feedback: Feedback,
        notifiers: Mapping[PublishedMode, Notifier],
        mode: PublishedMode,
        weekly_alerts: int,
        model: ModelName,
    ) -> None:
        self._alerts = alerts
        self._feedback = feedback
        self._notifiers = notifiers
        self._mode: PublishedMode = mode
        self._weekly_alerts = weekly_alerts
        self._model = model

    async def publish(
        self, credentials: CredentialProvider, installation: int | None, rules: RepositoryPolicy, finding: Finding
    ) -> str:
        """Publish, update or withhold the alert of a pull request, and return the outcome in a word or two.

        Raises:
            ConfigurationError: the service can't publish in this mode.
            TransientError, SentinelError, PyMongoError: GitHub or MongoDB does not answer.
        """
        policy = rules.policy
        if policy.mode == "record":
            return "recorded"
        alert = await self._alerts.find(finding.repository, finding.fetched.pull.number)
        chosen = self._choose(credentials, installation, finding.repository, policy, alert)
        if chosen is None:
            return "recorded"
        mode, github = chosen
        target = _Target(github, mode, self._notifiers[mode], finding)
        if alert and alert.mode not in (None, mode):
            alert = alert._replace(place=None)
        if not finding.result.unusual:
            message = messages.format_back_to_standard(finding.result, self._model)
            return await self._withdraw(target, alert, message, "standard")
        mute = await asyncio.to_thread(find_mute, policy.mute, finding.fetched.pull)
        if mute is None and not finding.heard.unusual:
            mute = "reasons"
        if mute:
            return await self._withdraw(
                target, alert, messages.format_muted(mute, finding.result, self._model), "muted"
            )
        return await self._alert(target, alert, rules)

    def _choose(
        self,
        credentials: CredentialProvider,
        installation: int | None,
        repository: str,
        policy: AlertPolicy,
        alert: Alert | None,
    ) -> tuple[PublishedMode, GitHubRestClient] | None:
        """Return the mode of an earlier alert, or that of the rules, if the service has what it needs; else its own.

        It is None where the rules ask for check runs and the service only has comments: these are louder.
        """
        for mode in (alert.mode if alert else None, policy.mode):
            if mode == "check" or mode == "comment":  # noqa: PLR1714 - a type checker follows this
                if github := credentials.for_mode(mode, installation):
                    return mode, github
                extra = {"repository": repository, "mode": mode}
                logger.warning("the service can't publish in the mode of a repository", extra=extra)
        if policy.mode == "check" and self._mode == "comment":
            return None
        return self._mode, credentials.for_installation(installation)

    async def _withdraw(self, target: "_Target", alert: Alert | None, message: Message, outcome: str) -> str:
        """Replace the message of an alert that no longer holds, if there is one."""
        if alert is None or not alert.unusual:
            return outcome
        finding = target.finding
        await asyncio.to_thread(target.notifier.update, target.github, finding.address, alert, message)
        await self._alerts.record(finding.repository, alert._replace(unusual=False))
        return "standard again" if outcome == "standard" else outcome

    async def _alert(self, target: "_Target", alert: Alert | None, rules: RepositoryPolicy) -> str:
        """Post the alert, or bring it up to date."""
        finding, own = target.finding, rules.policy.weekly_alerts
        repository, number, head_sha = finding.repository, finding.fetched.pull.number, finding.fetched.head_sha
        if alert is None:
            budget = self._weekly_alerts if own is None or self._weekly_alerts == 0 else own
            if not await self._alerts.claim(repository, number, head_sha, budget):
                return "held back"
            alert = Alert(number, head_sha)
        message = messages.format_unusual(finding.heard, self._model, rules.problem)
        address = finding.address
        try:
            posted = await asyncio.to_thread(target.notifier.notify, target.github, address, alert, head_sha, message)
        except SentinelError:
            await self._alerts.release(repository, number)  # it could never be posted, so others may be
            raise
        if posted is None:
            await self._feedback.dismiss(finding.result.id)
            return "removed by a person"
        posted = posted._replace(mode=target.mode)
        await self._alerts.record(repository, posted)
        await self._feedback.open(finding.fetched.pull, finding.heard, finding.kinds, posted)
        return "announced" if alert.place is None else "updated"


class _Target(NamedTuple):
    """The place of a message: by whom, how, and on which pull request."""

    github: GitHubRestClient
    mode: PublishedMode
    notifier: Notifier
    finding: Finding
