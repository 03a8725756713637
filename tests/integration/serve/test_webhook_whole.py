"""A webhook at the whole service: signature, queue, model and predictions together."""

import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from samples import deliver
from samples.generate import generate_repositories
from steps.serve import predictions
from steps.serve.app import create_app
from tests.support.github import StandIn
from tests.support.waiting import wait_until
from tests.support.webhook.hook import Mongo

SECRET = "correct horse battery staple"  # noqa: S105 - it guards nothing
SHOP = "example/webshop"


@pytest.fixture
def webhook_client(
    settings: pytest.MonkeyPatch, github: StandIn, mongo_uri: str, database: Mongo
) -> Iterator[TestClient]:
    """A service that receives webhooks and posts comments."""
    given = {
        "MONGO_URI": mongo_uri,
        "MONGO_DB": database.name,
        "GITHUB_API_URL": github.address,
        "GITHUB_TOKEN": "a-token",
        "WEBHOOK_SECRET": SECRET,
        "WEBHOOK_MODE": "comment",
    }
    for name, value in given.items():
        settings.setenv(name, value)
    settings.setattr(predictions, "FLUSH_SECONDS", 0.1)
    with TestClient(create_app()) as client:
        yield client


def test_a_delivery_is_scored_notified_stored_and_counted(
    webhook_client: TestClient, github: StandIn, database: Mongo
) -> None:
    """Once, however often it is delivered; never with a wrong signature."""
    github.control(change={f"{SHOP}#12": {"additions": 90_000, "changed_files": 900, "title": "x"}})
    raw = json.dumps(deliver.build_payload(generate_repositories()[SHOP], 12, "opened")).encode()
    forged = deliver.build_headers(raw, "another", "one")
    assert webhook_client.post("/webhook", content=raw, headers=forged).status_code == 401
    for status in (202, 200):
        answer = webhook_client.post("/webhook", content=raw, headers=deliver.build_headers(raw, SECRET, "one"))
        assert answer.status_code == status
        assert answer.headers["x-model"] == "pr-sentinel:unregistered"
    done = wait_until(lambda: database.deliveries.find_one({"_id": "one", "state": "done"}))
    assert done["outcome"] == "announced"
    (kept,) = wait_until(lambda: list(database.predictions.find()))
    assert (kept["id"], kept["route"], kept["score"]) == (f"{SHOP}#12", "/webhook", done["result"]["score"])
    assert 'pr_sentinel_deliveries_total{outcome="announced"}' in webhook_client.get("/metrics").text
    assert webhook_client.post("/webhook", content=raw, headers={"Content-Type": "text/plain"}).status_code == 415
