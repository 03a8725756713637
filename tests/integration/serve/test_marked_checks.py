"""What a release's checks send is scored as anything else, and kept apart from what people asked for."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from steps.serve import predictions
from steps.serve.app import create_app
from steps.serve.contract import CHECK_HEADER
from tests.support.waiting import wait_until
from tests.support.webhook.hook import Mongo

Pull = dict[str, Any]
MARKED = {CHECK_HEADER: "replay"}


@pytest.fixture
def stored(settings: pytest.MonkeyPatch, mongo_uri: str, database: Mongo) -> Iterator[TestClient]:
    """A service that stores its predictions."""
    settings.setenv("MONGO_URI", mongo_uri)
    settings.setenv("MONGO_DB", database.name)
    settings.setattr(predictions, "FLUSH_SECONDS", 0.1)
    with TestClient(create_app()) as client:
        yield client


def count(client: TestClient, metric: str) -> float:
    """Sum the series of the service's metrics that begin like this."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))


def test_what_checks_send_is_neither_stored_nor_counted_as_people_s(
    stored: TestClient, database: Mongo, pull: Pull
) -> None:
    """The answer is the same."""
    body = {"pull_requests": [pull]}
    people = (
        'pr_sentinel_requests_total{route="/score",status="200"}',
        'pr_sentinel_request_seconds_count{route="/score"}',
        "pr_sentinel_score_count",
    )
    before = [count(stored, metric) for metric in people]
    checks = count(stored, 'pr_sentinel_requests_total{route="check",status="200"}')
    marked = stored.post("/score", json=body, headers=MARKED)
    assert [count(stored, metric) for metric in people] == before
    assert count(stored, 'pr_sentinel_requests_total{route="check",status="200"}') == checks + 1
    assert (
        stored.post("/score", json=body | {"pull_requests": [pull, pull]}).json()["results"][:1]
        == (marked.json()["results"])
    )
    wait_until(lambda: database.predictions.count_documents({}) >= 2)
    assert {one["route"] for one in database.predictions.find()} == {"/score"}
    assert database.predictions.count_documents({}) == 2


def test_only_scores_can_be_marked(stored: TestClient) -> None:
    """Whatever else somebody sends is counted under its own route, so nothing can be hidden."""
    before = count(stored, 'pr_sentinel_requests_total{route="/webhook"')
    assert stored.post("/webhook", json={}, headers=MARKED).status_code >= 400
    assert count(stored, 'pr_sentinel_requests_total{route="/webhook"') == before + 1
