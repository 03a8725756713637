"""No pull request stays unscored: those whose delivery was lost or refused are found by listing what was updated."""

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samples import deliver
from steps.serve import metrics
from steps.serve.webhooks import repositories
from tests.support.cable import Cable
from tests.support.github import StandIn
from tests.support.waiting import wait_until
from tests.support.webhook import app
from tests.support.webhook.hook import ALL, SECRET, SHOP, Hook, Mongo, headers, process, serving, shorten_waits


@pytest.fixture
def short(configured: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Short waits, and a sweep every moment."""
    shorten_waits(configured)
    for module, values in app.list_short_sweeps().items():
        for name, value in values.items():
            configured.setattr(module, name, value)
    return configured


@pytest.fixture
def sweeping(short: pytest.MonkeyPatch, github: StandIn, database: Mongo) -> Iterator[Hook]:
    """A webhook that the service knows from a delivery."""
    with serving(app.create()) as address:
        hook = Hook(address, database, github)
        hook.deliver(11)
        yield hook


OPEN: dict[str, Any] = {"closed_at": None, "merged_at": None}


def format_now() -> str:
    """Format this moment as GitHub does."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def update(hook: Hook, *numbers: int, **fields: Any) -> None:
    """Update open pull requests just now, without a delivery."""
    for number in numbers:
        hook.push(number, **({"additions": 40} | OPEN | fields | {"updated_at": format_now()}))


def read_scored(database: Mongo) -> set[int]:
    """Return the numbers of the pull requests that were scored."""
    return set(database.deliveries.distinct("number", {"state": "done"}))


def wait_for_sweep(database: Mongo) -> None:
    """Wait until a sweep that begins from now on has ended."""
    for _ in range(2):
        due = database.webhook_repositories.find_one({"_id": SHOP})
        assert due
        before = due["next_sweep"]
        wait_until(lambda before=before: database.webhook_repositories.find_one({"_id": SHOP})["next_sweep"] > before)  # type: ignore[index, misc]


def test_lost_deliveries_are_found_and_lead_to_a_notification(sweeping: Hook, database: Mongo) -> None:
    """Once each, as if they had arrived; and they are counted."""
    before = count_missed()
    update(sweeping, 20)
    update(sweeping, 21, additions=5_000)
    wait_until(lambda: read_scored(database) >= {20, 21})
    wait_for_sweep(database)
    assert [comment["issue"] for comment in sweeping.comments()] == [f"/repos/{SHOP}/issues/21"]
    assert database.deliveries.count_documents({"number": {"$in": [20, 21]}}) == 2
    assert count_missed() - before == 2


def count_missed() -> float:
    """Return how many lost deliveries were found."""
    return metrics.REGISTRY.get_sample_value("pr_sentinel_missed_deliveries_total") or 0.0


@pytest.mark.slow
def test_five_hundred_lost_deliveries_are_all_found(sweeping: Hook, database: Mongo, short: pytest.MonkeyPatch) -> None:
    """On several pages of GitHub's list."""
    numbers = sorted(ALL[SHOP].pulls)[:500]
    update(sweeping, *numbers)
    # The embedded MongoDB has time for them only if it isn't asked without a pause.
    wait_until(lambda: database.deliveries.count_documents({}) >= 501, timeout=120, interval=0.5)
    short.setattr(repositories, "SWEEP_SECONDS", 3_600.0)
    wait_until(lambda: read_scored(database) >= set(numbers), timeout=300, interval=0.5)


@pytest.mark.parametrize(
    "fields", [{"title": "Another title"}, {"body": "Another text"}, {"base": "other"}, {"draft": True}]
)
def test_a_lost_edit_is_found(sweeping: Hook, database: Mongo, fields: dict[str, Any]) -> None:
    """Of whatever an event tells."""
    update(sweeping, 20)
    wait_until(lambda: read_scored(database) >= {20})
    update(sweeping, 20, **fields)
    wait_until(lambda: database.deliveries.count_documents({"number": 20, "state": "done"}) == 2)


def test_what_changes_no_score_is_not_scored_again(sweeping: Hook, database: Mongo) -> None:
    """A comment makes an update too; a pull request from before the webhook that is closed now was open before."""
    sweeping.deliver(12)
    sweeping.push(12, additions=sweeping.pull(12).additions, updated_at=format_now(), **OPEN)
    sweeping.push(13, updated_at=format_now(), closed_at=format_now())
    update(sweeping, 20)
    wait_until(lambda: read_scored(database) >= {20})
    wait_for_sweep(database)
    assert read_scored(database) == {11, 12, 20}
    assert database.deliveries.count_documents({}) == 3


def test_a_pull_request_opened_and_closed_meanwhile_is_found(sweeping: Hook, database: Mongo) -> None:
    now = format_now()
    sweeping.push(13, created_at=now, updated_at=now, closed_at=now)
    found = wait_until(lambda: database.deliveries.find_one({"number": 13, "state": "done"}))
    assert found["action"] == "opened"


def test_a_ping_makes_a_repository_known(short: pytest.MonkeyPatch, github: StandIn, database: Mongo) -> None:
    """GitHub sends it when a webhook is created, so even its first delivery may be lost."""
    raw = json.dumps({"zen": "Keep it logically awesome.", "hook_id": 1, "repository": {"full_name": SHOP}}).encode()
    with serving(app.create()) as address:
        hook = Hook(address, database, github)
        update(hook, 20)
        assert hook.post(raw, headers(raw, X_GitHub_Event="ping")).json() == {"status": "pong"}
        wait_until(lambda: read_scored(database) == {20})


def test_other_repositories_are_not_listed(sweeping: Hook, database: Mongo, github: StandIn) -> None:
    """What the pipeline fetches has no webhook here."""
    github.control(change={"example/docs#3": {"updated_at": format_now(), **OPEN}})
    wait_for_sweep(database)
    assert database.deliveries.distinct("repository") == [SHOP]


def test_deliveries_refused_while_mongodb_was_away_are_found(
    short: pytest.MonkeyPatch, github: StandIn, database: Mongo, mongo_uri: str
) -> None:
    """Each of them, after it is back."""
    with Cable(mongo_uri) as cable:
        short.setenv("MONGO_URI", cable.uri)
        with serving(app.create()) as address:
            hook = Hook(address, database, github)
            hook.deliver(11)
            cable.pull()
            update(hook, *range(20, 40))
            with ThreadPoolExecutor(20) as pool:
                assert {one.status_code for one in pool.map(hook.send, range(20, 40))} == {503}
            cable.plug()
            wait_until(lambda: read_scored(database) >= set(range(20, 40)))


def test_what_was_lost_while_no_service_ran_is_found_at_the_start(
    short: pytest.MonkeyPatch, github: StandIn, database: Mongo
) -> None:
    with serving(app.create()) as address:
        hook = Hook(address, database, github)
        hook.deliver(11)
    update(hook, *range(20, 25))
    with serving(app.create()):
        wait_until(lambda: read_scored(database) >= set(range(20, 25)))


def test_the_preview_of_a_release_sweeps_nothing(sweeping: Hook, database: Mongo, short: pytest.MonkeyPatch) -> None:
    """Unless a sweep is long overdue, because the service that received deliveries is gone."""
    short.setattr(repositories, "SWEEP_SECONDS", 3_600.0)
    wait_for = {"_id": SHOP, "next_sweep": {"$gt": datetime.now(UTC) + timedelta(minutes=10)}}
    wait_until(lambda: database.webhook_repositories.find_one(wait_for))
    just_due = datetime.now(UTC) - timedelta(minutes=1)
    change = {"model": "of another service", "next_sweep": just_due}
    database.webhook_repositories.update_one({"_id": SHOP}, {"$set": change})
    time.sleep(1)  # one that has begun would still find what follows
    update(sweeping, 20)
    time.sleep(1)
    assert read_scored(database) == {11}
    change["next_sweep"] = just_due - timedelta(minutes=10)
    database.webhook_repositories.update_one({"_id": SHOP}, {"$set": change})
    wait_until(lambda: read_scored(database) == {11, 20})


def test_a_webhook_that_may_be_gone_gets_no_notifications(sweeping: Hook, database: Mongo) -> None:
    """Nothing came from it for days, so maintainers may have removed it: scored, not published."""
    silent = {"delivered_at": datetime.now(UTC) - timedelta(days=2)}
    database.webhook_repositories.update_one({"_id": SHOP}, {"$set": silent})
    update(sweeping, 20, additions=5_000)
    done = wait_until(lambda: database.deliveries.find_one({"number": 20, "state": "done"}))
    assert (done["outcome"], done["result"]["unusual"]) == ("recorded", True)
    assert sweeping.comments() == []


@pytest.mark.parametrize("fault", ["500", "drop", "garbage", "null", "secondary"])
def test_faults_of_github_delay_a_sweep(sweeping: Hook, database: Mongo, github: StandIn, fault: str) -> None:
    """And lose nothing."""
    github.control(next=[fault] * 3)
    update(sweeping, 20)
    wait_until(lambda: read_scored(database) >= {20})
    assert "requests_during_retry_after" not in github.stats()


AGAIN = "accepted before, under another delivery id"


def test_the_same_body_under_another_id_changes_nothing(sweeping: Hook, database: Mongo) -> None:
    """A replay, however often; its sender, who knows only the new id, sees that it arrived.

    @octokit/webhooks-examples has some payloads once for every release of GitHub Enterprise Server.
    """
    raw = json.dumps(deliver.build_payload(ALL[SHOP], 12, "opened")).encode()
    answers = [sweeping.post(raw, headers(raw, X_GitHub_Delivery=f"replay-{turn}")) for turn in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 5
    assert [answer.json()["status"] for answer in answers] == ["accepted", *[AGAIN] * 4]
    assert database.deliveries.count_documents({"number": 12}) == 1


def burst(hook: Hook, count: int) -> list[int]:
    """Send deliveries of as many pull requests as fast as possible, and return the statuses."""
    payloads = [
        json.dumps({**deliver.build_payload(ALL[SHOP], 1 + number % 400, "synchronize"), "turn": number}).encode()
        for number in range(count)
    ]
    with ThreadPoolExecutor(32) as pool:
        sent = pool.map(lambda raw: hook.post(raw, deliver.build_headers(raw, SECRET, str(uuid.uuid4()))), payloads)
        return [one.status_code for one in sent]


@pytest.mark.slow
def test_a_burst_is_accepted_whole(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, tmp_path: Path
) -> None:
    """A thousand deliveries, while others are being processed."""
    with process(tmp_path) as (_, address):
        began = time.monotonic()
        assert set(burst(Hook(address, database, github), 1_000)) == {202}
        print(f"{time.monotonic() - began:.1f} s")  # noqa: T201
    assert database.deliveries.count_documents({}) == 1_000


@pytest.mark.slow
def test_no_pull_request_stays_unscored(
    configured: pytest.MonkeyPatch, github: StandIn, database: Mongo, mongo_uri: str, tmp_path: Path
) -> None:
    """In a burst, through kills, an outage of MongoDB, and with every third delivery lost."""
    wanted = set(range(20, 260))
    with Cable(mongo_uri) as cable:
        configured.setenv("MONGO_URI", cable.uri)
        numbers = sorted(wanted)
        for turn in range(4):
            with process(tmp_path, lease=2) as (running, address):
                hook = Hook(address, database, github)
                hook.deliver(11)
                part = numbers[turn * 60 : turn * 60 + 60]
                update(hook, *part)
                with ThreadPoolExecutor(16) as pool:
                    sent = pool.map(hook.send, (number for number in part if number % 3))
                    if turn == 1:
                        cable.pull()
                    assert {one.status_code for one in sent} <= {202, 503}
                    cable.plug()
                running.kill()
        with process(tmp_path, lease=2):
            wait_until(lambda: read_scored(database) >= wanted, timeout=180, interval=0.5)
            # A delivery is done a moment after its score is stored.
            wait_until(lambda: database.deliveries.count_documents({"state": {"$ne": "done"}}) == 0)
