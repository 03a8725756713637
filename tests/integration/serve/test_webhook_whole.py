"""A webhook at the whole service: signature, queue, model and predictions together."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from samples import deliver
from samples.generate import generate_repositories
from steps.serve import predictions
from steps.serve.app import create_app
from steps.serve.policy import KINDS, PATH
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


def push_deletion(github: StandIn) -> bytes:
    """Make a pull request a huge deletion, and return the payload of its delivery."""
    changes = {"additions": 0, "deletions": 90_000, "changed_files": 900, "title": "x"}
    github.control(change={f"{SHOP}#12": changes})
    repository = generate_repositories()[SHOP]
    repository.change(12, changes)
    return json.dumps(deliver.build_payload(repository, 12, "opened")).encode()


def test_a_delivery_is_scored_notified_stored_and_counted(
    webhook_client: TestClient, github: StandIn, database: Mongo
) -> None:
    """Once, however often it is delivered; never with a wrong signature."""
    raw = push_deletion(github)
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


def test_the_kinds_of_an_alerts_reasons_can_be_muted(
    webhook_client: TestClient, github: StandIn, database: Mongo
) -> None:
    """What the model finds is kept with the votes, by the names that the repository's file takes; the score stays."""
    raw = push_deletion(github)

    def deliver_as(name: str, body: bytes) -> dict[str, Any]:
        answer = webhook_client.post("/webhook", content=body, headers=deliver.build_headers(body, SECRET, name))
        assert answer.status_code == 202
        return dict(wait_until(lambda: database.deliveries.find_one({"_id": name, "state": "done"})))

    first = deliver_as("one", raw)
    feedback = database.feedback.find_one({"_id": f"{SHOP}#12"})
    assert (first["outcome"], feedback and 0 < len(feedback["kinds"]) <= 3) == ("announced", True)
    github.control(files={SHOP: {PATH: f"mute: {{reasons: [{', '.join(KINDS)}]}}\n"}})
    database.policies.update_one({"_id": SHOP}, {"$set": {"stale": True}})
    second = deliver_as("two", raw + b"\n")  # the same bytes again would be a replay
    assert (second["outcome"], second["result"]["score"]) == ("muted", first["result"]["score"])
