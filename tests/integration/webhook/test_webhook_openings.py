"""A burst of opened pull requests shows within the day, although the repository's state is from the night before."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import bson
import pytest

from samples.server import LATEST
from steps.scoring.history import VERSION, History
from steps.scoring.vectors import plain_rows, with_own
from steps.serve.histories import Histories
from tests.support.github import StandIn
from tests.support.pulls import pulls
from tests.support.webhook.app import create
from tests.support.webhook.hook import SHOP, Hook, Mongo, read_expiry, serving, shorten_waits

NEW = (2594, 2596, 2597, 2598, 2600)
"""Some of the repository's latest pull requests."""
NOON = datetime.fromisoformat(LATEST) - timedelta(hours=12)


@pytest.fixture
def histories(database: Mongo) -> Histories:
    """The service's histories, with a state of the repository that ends before all of `NEW`."""
    history = History()
    for row in with_own(pulls(40, SHOP)):
        history.update(row)
    state = {"_id": SHOP, "state": bson.encode(history.state()), "dataset": "d", "version": VERSION}
    database.history.insert_one(state)
    return Histories(database)


@pytest.fixture
def burst(configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, histories: Histories) -> Iterator[Hook]:
    """A webhook at a service, just before strangers open similar pull requests within an hour."""
    shorten_waits(configured)
    with serving(create(histories)) as address:
        hook = Hook(address, database, github)
        for place, number in enumerate(NEW):
            opened = f"{NOON + timedelta(minutes=place):%Y-%m-%dT%H:%M:%SZ}"
            fields: dict[str, Any] = {"created_at": opened, "title": "Get rich with this one change"}
            hook.push(number, additions=40, author=f"stranger-{number}", **fields)
        yield hook


def features(database: Mongo, hook: Hook, number: int) -> dict[str, float]:
    """Return the features with which the service would score a pull request now."""
    pull = hook.pull(number)
    past = asyncio.run(Histories(database).for_repositories([SHOP]))[SHOP]
    assert past.history
    return past.history.features(plain_rows([pull])[0])


def test_each_pull_request_of_a_burst_counts_for_the_later_ones(burst: Hook, database: Mongo) -> None:
    """Near-duplicates and newcomers of the hour rise with each; the service's cache follows at once."""
    before = features(database, burst, NEW[-1])
    for number in NEW[:-1]:
        burst.deliver(number)
    after = features(database, burst, NEW[-1])
    assert before["near_duplicates"] == 0
    assert before["newcomers_hour"] == pytest.approx(0.6931, abs=1e-4)
    assert after["near_duplicates"] == pytest.approx(1.6094, abs=1e-4)  # of four others
    assert after["newcomers_hour"] == pytest.approx(1.7918, abs=1e-4)  # five in all


def test_an_opened_pull_request_is_stored_once_and_without_its_texts(burst: Hook, database: Mongo) -> None:
    """Delivered twice, edited or reopened, it is stored once, for two days; words and author are hashes."""
    for action in ("opened", "opened", "edited", "reopened"):
        burst.deliver(NEW[0], action)
    [opening] = database.openings.find({})
    assert opening["_id"] == f"{SHOP}#{NEW[0]}"
    assert (opening["opened"], opening["newcomer"]) == (NOON, True)
    assert all(isinstance(value, int) for value in (opening["author"], *opening["words"]))
    assert len(opening["words"]) == 6
    assert read_expiry(database, "openings") == 2 * 86_400
    assert features(database, burst, NEW[0])["newcomers_hour"] == pytest.approx(0.6931, abs=1e-4)


def test_only_opened_pull_requests_are_stored(burst: Hook, database: Mongo) -> None:
    """A push to an old pull request is not one."""
    burst.deliver(NEW[0], "synchronize")
    assert database.openings.count_documents({}) == 0


def test_nothing_is_stored_for_a_repository_without_a_history(burst: Hook, database: Mongo) -> None:
    """It has no day to join."""
    database.history.delete_many({})
    assert burst.deliver(NEW[0])["outcome"] == "standard"
    assert database.openings.count_documents({}) == 0
