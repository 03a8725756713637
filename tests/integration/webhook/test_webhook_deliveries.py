"""The queue in a MongoDB of its own, which a failing test may leave stuck."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from pymongo import AsyncMongoClient

from local.services import embedded
from steps.common.mongo import Document
from steps.serve import metrics
from steps.serve.webhooks.backlog import Backlog
from steps.serve.webhooks.deliveries import Arrival, DeliveryQueue
from steps.serve.webhooks.events import Notice


async def _keep_while_preparing(uri: str, name: str) -> set[str]:
    async with AsyncMongoClient[Document](uri, timeoutMS=20_000) as client:
        deliveries = DeliveryQueue(client[name], "a model")
        notice = Notice("first", "opened", "owner/name", 12, "0" * 40, None)
        _, kept = await asyncio.gather(deliveries.prepare(), deliveries.enqueue(notice))
        assert kept is Arrival.NEW
        return set(await client[name].deliveries.index_information())


def test_a_delivery_that_arrives_while_indexes_are_created_is_stored(tmp_path: Path) -> None:
    """In an empty database, repeatedly, since the race is short."""
    with embedded.mongo(tmp_path) as uri:
        for turn in range(20):
            made = asyncio.run(_keep_while_preparing(uri, f"empty_{turn}"))
            assert made == {
                "_id_",
                "received_at_1",
                "state_1_next_attempt_1",
                "busy_1",
                "content_1",
                "repository_1_number_1",
            }


async def _measure(uri: str, documents: list[Document]) -> tuple[float, float]:
    async with AsyncMongoClient[Document](uri, timeoutMS=20_000, tz_aware=True) as client:
        database = client[f"backlog_{len(documents)}"]
        for document in documents:
            await database.deliveries.insert_one(document)
        await Backlog(database).measure()
    return metrics.BACKLOG._value.get(), metrics.OLDEST._value.get()


def test_the_backlog_is_what_waits_and_the_age_that_of_the_oldest(tmp_path: Path) -> None:
    """What is done or failed counts no more; without anything waiting the time is 0."""
    hours = [datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in range(4)]
    states = ["done", "waiting", "waiting", "failed"]
    some: list[Document] = [
        {"_id": str(hour), "state": state, "received_at": hour} for hour, state in zip(hours, states, strict=True)
    ]
    with embedded.mongo(tmp_path) as uri:
        assert asyncio.run(_measure(uri, some)) == (2, hours[1].timestamp())
        assert asyncio.run(_measure(uri, some[:1])) == (0, 0)
