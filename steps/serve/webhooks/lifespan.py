"""The receiver and the worker of webhook deliveries, built from the settings, for the lifetime of the service."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pymongo import AsyncMongoClient

from steps.common.errors import ConfigurationError
from steps.common.mongo import Document, closing_async, create_async_client
from steps.common.settings import ServeSettings
from steps.serve import absence
from steps.serve.background import run_in_background
from steps.serve.contract import ModelName
from steps.serve.github_access import CredentialProvider
from steps.serve.webhooks.alerts import Alerts
from steps.serve.webhooks.backlog import Backlog
from steps.serve.webhooks.deliveries import DeliveryQueue
from steps.serve.webhooks.feedback import Feedback
from steps.serve.webhooks.notification import Notification, PublishedMode
from steps.serve.webhooks.notifiers import CheckRunNotifier, CommentNotifier, Notifier
from steps.serve.webhooks.policies import RepositoryPolicies
from steps.serve.webhooks.receiver import DisabledReceiver, Receiver
from steps.serve.webhooks.recent_pull_requests import RecentPullRequests
from steps.serve.webhooks.repositories import WebhookRepositories
from steps.serve.webhooks.sweep import Sweeper
from steps.serve.webhooks.worker import Worker

if TYPE_CHECKING:
    from steps.serve.scorer import Scorer

MIN_SECRET_CHARACTERS = 20
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

logger = logging.getLogger(__name__)


class _Dependencies(NamedTuple):
    secrets: list[bytes]
    client: AsyncMongoClient[Document]
    credentials: CredentialProvider


@asynccontextmanager
async def webhook_lifespan(
    settings: ServeSettings, scorer: "Scorer | None"
) -> AsyncIterator[Receiver | DisabledReceiver]:
    """Receive and process deliveries until the end of the block; without a scorer they are only stored."""
    try:
        dependencies = _build_dependencies(settings)
    except ConfigurationError as error:
        level = logging.ERROR if settings.webhook_secret else logging.INFO
        logger.log(level, "webhooks are disabled", extra={"problem": error.problem, "advice": error.advice})
        yield DisabledReceiver(str(error))
        return
    database = dependencies.client[settings.mongo_db]
    deliveries = DeliveryQueue(database, scorer.name.digest if scorer else "")
    repositories = WebhookRepositories(database, scorer.name.digest if scorer else "")
    alerts, policies = Alerts(database), RepositoryPolicies(database)
    async with closing_async(dependencies.client), run_in_background(Backlog(database).run()):
        if scorer is None:
            yield Receiver(dependencies.secrets, deliveries, repositories, lambda: None, policies.invalidate)
            return
        recent, feedback = RecentPullRequests(database, scorer.histories), Feedback(database, scorer.name)
        worker = Worker(
            deliveries,
            scorer,
            dependencies.credentials,
            policies,
            feedback,
            recent.remember,
            _build_notification(settings, alerts, feedback, scorer.name),
        )
        sweeper = Sweeper(repositories, deliveries, dependencies.credentials, worker.wake)
        working = asyncio.create_task(worker.run())
        try:
            async with run_in_background(sweeper.run()):
                yield Receiver(dependencies.secrets, deliveries, repositories, worker.wake, policies.invalidate)
        finally:
            await worker.stop(working)
            dependencies.credentials.close()


def _build_notification(
    settings: ServeSettings, alerts: Alerts, feedback: Feedback, model: ModelName
) -> Notification | None:
    if settings.webhook_mode == "record":
        return None
    notifiers: dict[PublishedMode, Notifier] = {
        "comment": CommentNotifier(),
        "check": CheckRunNotifier(settings.github_app_id or ""),
    }
    return Notification(alerts, feedback, notifiers, settings.webhook_mode, settings.webhook_weekly_alerts, model)


def _build_dependencies(settings: ServeSettings) -> _Dependencies:
    """Build what receiving deliveries needs.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    if settings.webhook_secret is None:
        raise ConfigurationError("WEBHOOK_SECRET is not set.", advice="Set it to the secret of the webhook.")
    secrets = _collect_secrets(settings)
    if settings.mongo_uri is None:
        raise ConfigurationError("MONGO_URI is not set.", advice="Set it; deliveries are stored in MongoDB.")
    credentials = CredentialProvider(settings)
    client = create_async_client(settings.mongo_uri, "pr-sentinel-webhook", absence.TIMEOUT_MS)
    return _Dependencies(secrets, client, credentials)


def _collect_secrets(settings: ServeSettings) -> list[bytes]:
    """Return the secrets that deliveries may be signed with.

    Raises:
        ConfigurationError: one is so short that it can be guessed, and the deliveries don't come from this machine.
    """
    given = {"WEBHOOK_SECRET": settings.webhook_secret, "WEBHOOK_SECRET_PREVIOUS": settings.webhook_secret_previous}
    found = {name: secret.get_secret_value() for name, secret in given.items() if secret is not None}
    for name, secret in found.items():
        if len(secret) >= MIN_SECRET_CHARACTERS:
            continue
        problem = f"{name} has fewer than {MIN_SECRET_CHARACTERS} characters."
        if urlsplit(settings.github_api_url).hostname not in LOOPBACK:
            raise ConfigurationError(problem, advice="Set it to a long random text: openssl rand -hex 32.")
        logger.warning("weak secret, accepted from the fake GitHub only", extra={"problem": problem})
    return [secret.encode() for secret in found.values()]
