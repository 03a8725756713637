"""The queue: who comes first, and what still waits."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from local.services import embedded
from steps.common.mongo import Document
from steps.serve import metrics
from steps.serve.contract import ModelName
from steps.serve.webhooks.alerts import Alerts
from steps.serve.webhooks.backlog import Backlog
from steps.serve.webhooks.deliveries import Arrival, DeliveryQueue
from steps.serve.webhooks.events import Notice
from steps.serve.webhooks.feedback import Feedback
from steps.serve.webhooks.policies import RepositoryPolicies
from steps.serve.webhooks.repositories import WebhookRepositories


class _FirstCommands(CommandListener):
    """Notes what was sent to each collection before its indexes existed."""

    def __init__(self) -> None:
        self.indexed: set[str] = set()
        self._creating: dict[int, str] = {}
        self.early: set[tuple[str, str]] = set()

    def started(self, event: CommandStartedEvent) -> None:
        collection = event.command.get(event.command_name)
        if event.command_name == "createIndexes":
            self._creating[event.request_id] = str(collection)
        elif isinstance(collection, str) and collection not in self.indexed:
            self.early.add((collection, event.command_name))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name == "createIndexes":
            self.indexed.add(self._creating[event.request_id])

    def failed(self, event: CommandFailedEvent) -> None:
        pass


async def _use_all_at_once(uri: str, listener: _FirstCommands) -> list[Any]:
    async with AsyncMongoClient[Document](uri, timeoutMS=20_000, event_listeners=[listener]) as client:
        database = client.used_at_once
        model = ModelName(name="pr-sentinel", version="1", digest="0" * 64)
        deliveries, known = DeliveryQueue(database, "a model"), WebhookRepositories(database, "a model")
        alerts, policies, feedback = Alerts(database), RepositoryPolicies(database), Feedback(database, model)
        notice = Notice("first", "opened", "owner/name", 12, "0" * 40, None)
        return await asyncio.gather(
            deliveries.enqueue(notice),
            deliveries.take(),
            known.note([("owner/name", None)]),
            known.take(),
            alerts.claim("owner/name", 12, "0" * 40, budget=1),
            alerts.find("owner/name", 12),
            policies.invalidate("owner/name"),
            feedback.dismiss("owner/name#12"),
        )


def test_no_collection_is_used_before_its_indexes_exist(tmp_path: Path) -> None:
    """Whoever comes first, be it a delivery, the worker or the sweep; in a MongoDB that a failure may leave stuck."""
    listener = _FirstCommands()
    with embedded.mongo(tmp_path) as uri:
        arrival, _, _, _, is_claimed, *_ = asyncio.run(_use_all_at_once(uri, listener))
    assert (arrival, is_claimed) == (Arrival.NEW, True)
    assert listener.early == set()
    assert listener.indexed == {"deliveries", "webhook_repositories", "alerts", "policies", "feedback"}


async def _measure(uri: str, documents: list[Document]) -> tuple[float, float]:
    async with AsyncMongoClient[Document](uri, timeoutMS=20_000, tz_aware=True) as client:
        database = client[f"backlog_{len(documents)}"]
        for document in documents:
            await database.deliveries.insert_one(document)
        await Backlog(database).measure()
    return metrics.BACKLOG._value.get(), metrics.OLDEST._value.get()


def test_the_backlog_is_what_waits_and_the_age_that_of_the_oldest(mongo_uri: str) -> None:
    """What is done or failed counts no more; without anything waiting the time is 0."""
    hours = [datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in range(4)]
    states = ["done", "waiting", "waiting", "failed"]
    some: list[Document] = [
        {"_id": str(hour), "state": state, "received_at": hour} for hour, state in zip(hours, states, strict=True)
    ]
    assert asyncio.run(_measure(mongo_uri, some)) == (2, hours[1].timestamp())
    assert asyncio.run(_measure(mongo_uri, some[:1])) == (0, 0)
