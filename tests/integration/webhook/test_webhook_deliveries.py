"""The queue in a MongoDB of its own, which a failing test may leave stuck."""

import asyncio
from pathlib import Path

from pymongo import AsyncMongoClient

from local.services import embedded
from steps.common.mongo import Document
from steps.serve.webhooks.deliveries import DeliveryQueue
from steps.serve.webhooks.events import Notice


async def _keep_while_preparing(uri: str, name: str) -> set[str]:
    async with AsyncMongoClient[Document](uri, timeoutMS=20_000) as client:
        deliveries = DeliveryQueue(client[name], "a model")
        notice = Notice("first", "opened", "owner/name", 12, "0" * 40, None)
        _, kept = await asyncio.gather(deliveries.prepare(), deliveries.enqueue(notice))
        assert kept
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
