"""What takes and works on webhook deliveries for as long as the service lives, put together from the settings."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from pymongo import AsyncMongoClient

from steps.common.errors import ConfigurationError
from steps.common.mongo import Document, create_async_client
from steps.common.settings import ServeSettings
from steps.serve.github_access import Identities
from steps.serve.webhooks.alerts import Alerts
from steps.serve.webhooks.deliveries import Deliveries
from steps.serve.webhooks.notifiers import Checks, Comments
from steps.serve.webhooks.receiver import Closed, Receiver
from steps.serve.webhooks.recent_pull_requests import Openings
from steps.serve.webhooks.worker import Telling, Worker

if TYPE_CHECKING:
    from steps.serve.scorer import Scorer

MONGO_TIMEOUT_MS = 5_000
"""For the work behind, which nobody waits for."""

logger = logging.getLogger(__name__)


class _Needs(NamedTuple):
    secret: bytes
    client: AsyncMongoClient[Document]
    identities: Identities


@asynccontextmanager
async def listening(settings: ServeSettings, scorer: "Scorer | None") -> AsyncIterator[Receiver | Closed]:
    """Take deliveries and work on them until the end of the block; without a scorer they are kept for later."""
    try:
        needs = _needs(settings)
    except ConfigurationError as error:
        level = logging.ERROR if settings.webhook_secret else logging.INFO
        logger.log(level, "taking no webhooks", extra={"problem": error.problem, "advice": error.advice})
        yield Closed(str(error))
        return
    database = needs.client[settings.mongo_db]
    deliveries = Deliveries(database, scorer.name.digest if scorer else "")
    alerts = Alerts(database, settings.webhook_weekly_alerts)
    async with needs.client:
        if scorer is None:
            yield Receiver(needs.secret, deliveries, lambda: None)
            return
        openings = Openings(database, scorer.histories)
        worker = Worker(
            deliveries,
            scorer,
            needs.identities,
            openings.note,
            _telling(settings, alerts),
            prepare=(deliveries.prepare, alerts.prepare, openings.prepare),
        )
        running = asyncio.create_task(worker.run())
        try:
            yield Receiver(needs.secret, deliveries, worker.call)
        finally:
            await worker.stop(running)
            needs.identities.close()


def _telling(settings: ServeSettings, alerts: Alerts) -> Telling | None:
    if settings.webhook_mode == "comment":
        return Telling(alerts, Comments())
    return Telling(alerts, Checks(settings.github_app_id or "")) if settings.webhook_mode == "check" else None


def _needs(settings: ServeSettings) -> _Needs:
    """What taking deliveries needs.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    if settings.webhook_secret is None:
        raise ConfigurationError(
            "There is no secret to check deliveries by.", advice="Set WEBHOOK_SECRET to the one that the webhook has."
        )
    if settings.mongo_uri is None:
        raise ConfigurationError("There is no MongoDB to keep deliveries in.", advice="Set MONGO_URI.")
    identities = Identities(settings)
    client = create_async_client(settings.mongo_uri, "pr-sentinel-webhook", MONGO_TIMEOUT_MS)
    return _Needs(settings.webhook_secret.get_secret_value().encode(), client, identities)
