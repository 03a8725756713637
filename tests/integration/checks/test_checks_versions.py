"""The data of a version cover what users saw, not the checks' own traffic; missing data stay missing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from rollouts.checks import versions
from rollouts.checks.compare import FirstScore, Proportion, VersionData
from rollouts.checks.recent import FIRST_INJECTED_NUMBER
from steps.common.errors import Unavailable
from tests.support.http_server import serve
from tests.support.promtool import found

Mongo = Database[dict[str, Any]]
NOW = datetime.now(UTC)
WEEK_AGO = NOW - timedelta(days=7)


def read(database: Mongo, prometheus: str | None = None, since: datetime = WEEK_AGO) -> tuple[VersionData, VersionData]:
    """The data of versions 3 and 4."""
    old, new = versions.read_versions(database, ("3", "4"), since, prometheus)
    return old, new


def prediction(number: int, version: str = "4", **changes: Any) -> dict[str, Any]:
    """As the service keeps one."""
    kept = {"id": f"o/n#{number}", "repository": "o/n", "number": number, "scored_at": NOW, "score": 2.0}
    return kept | {"unusual": False, "model": {"version": version, "digest": "d"}} | changes


def test_the_first_word_on_each_pull_request_counts(database: Mongo) -> None:
    """Of each version, from a time on; what has been counted does not change with a later score."""
    later: dict[str, Any] = {"scored_at": NOW + timedelta(seconds=1), "score": 2.5, "unusual": False}
    first: dict[str, Any] = {"score": 7.0, "unusual": True}
    before: dict[str, Any] = {"scored_at": WEEK_AGO - timedelta(seconds=1)}
    database.predictions.insert_many(
        [prediction(1, **later), prediction(1, **first), prediction(2), prediction(3, "3"), prediction(4, **before)]
    )
    old, new = read(database)
    assert new.scored == {"o/n#1": FirstScore(7.0, True), "o/n#2": FirstScore(2.0, False)}
    assert old.scored == {"o/n#3": FirstScore(2.0, False)}
    assert (new.name, new.digests, new.flagged_share) == ("4", frozenset({"d"}), Proportion(1, 2))
    assert (new.slow, new.removed) == (Proportion(0, 0), Proportion(0, 0))


def test_repositories_that_only_one_version_has_scored_do_not_count(database: Mongo) -> None:
    """It would be judged by other pull requests; its other models are seen all the same."""
    elsewhere = prediction(1, id="o/m#1", repository="o/m", model={"version": "4", "digest": "e"})
    database.predictions.insert_many([prediction(2), prediction(3, "3"), elsewhere])
    database.deliveries.insert_many([delivery(1, repository="o/m"), delivery(2)])
    _, new = read(database)
    assert (set(new.scored), new.removed, new.digests) == ({"o/n#2"}, Proportion(0, 1), frozenset("de"))
    database.predictions.delete_many({"model.version": "3"})
    assert [(one.scored, one.removed) for one in read(database)] == [({}, Proportion(0, 0))] * 2


def test_the_checks_own_requests_do_not_count(database: Mongo) -> None:
    """Planted and golden ones are flagged on purpose."""
    database.predictions.insert_many(
        [prediction(FIRST_INJECTED_NUMBER + 1), prediction(201, repository="golden/example")]
    )
    database.predictions.insert_one(prediction(1, "3"))
    assert read(database)[1].scored == {}


def delivery(number: int, outcome: str = "announced", version: str = "4", hours: float = 30, **changes: Any) -> Any:
    """As the service keeps one, from so many hours ago."""
    kept = {"repository": "o/n", "number": number, "outcome": outcome, "finished_at": NOW - timedelta(hours=hours)}
    return kept | {"result": {"model": version}} | changes


@pytest.fixture
def both(database: Mongo) -> Mongo:
    """A database in which both versions have scored a pull request of the repository."""
    database.predictions.insert_many([prediction(1, "3"), prediction(2)])
    return database


def test_alerts_that_a_person_removed_are_counted_by_pull_request(both: Mongo) -> None:
    """However many deliveries there were of it, by the version that announced it."""
    removed = "removed by a person"
    both.deliveries.insert_many(
        [
            *(delivery(1), delivery(1, "updated", hours=29)),
            *(delivery(2), delivery(2, removed, hours=20), delivery(2, removed, hours=1)),
            # The other version noticed that it was gone.
            *(delivery(3), delivery(3, removed, version="3", hours=20)),
            delivery(4, "standard"),
            delivery(5, version="3"),
        ]
    )
    old, new = read(both)
    assert (old.removed, new.removed) == (Proportion(0, 1), Proportion(2, 3))


def test_an_alert_counts_when_it_is_a_day_old_and_as_it_was_then(both: Mongo) -> None:
    """So that nothing that has been counted changes; alerts of before do not count, whoever updates them."""
    removed = "removed by a person"
    both.deliveries.insert_many(
        [
            *(delivery(1, hours=23), delivery(1, removed, hours=22)),
            *(delivery(2, hours=60), delivery(2, removed, hours=35)),
            *(delivery(3, hours=60), delivery(3, removed, hours=37)),
            *(delivery(4, hours=8 * 24), delivery(4, "updated"), delivery(4, removed)),
            *(delivery(5, hours=60), delivery(5, removed, hours=70)),
        ]
    )
    assert read(both)[1].removed == Proportion(1, 3)
    assert read(both, since=NOW - timedelta(hours=59))[1].removed == Proportion(0, 0)


class Prometheus(BaseHTTPRequestHandler):
    """Answers every query with what it is given, one after the other."""

    answers: list[Any]

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.answers.pop(0)).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def answers() -> list[Any]:
    """Set Prometheus' answers."""
    return []


@pytest.fixture
def prometheus(answers: list[Any]) -> Iterator[str]:
    """Its address."""
    handler = type("Handler", (Prometheus,), {"answers": answers})
    with serve(handler) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def result(*values: str) -> dict[str, Any]:
    """An answer with these values."""
    return {"status": "success", "data": {"resultType": "vector", "result": [{"value": [0, one]} for one in values]}}


@pytest.mark.parametrize(
    ("total", "quick", "slow"),
    [
        (result("1000.4"), result("990"), Proportion(10, 1_000)),
        (result("1000"), result("1000.9"), Proportion(0, 1_000)),
        (result(), result(), Proportion(0, 0)),
        (result("NaN"), result("NaN"), Proportion(0, 0)),
        (result("+Inf"), result("10"), Proportion(0, 0)),
    ],
)
def test_slow_answers_are_those_over_a_tenth_of_a_second(
    total: Any, quick: Any, slow: Proportion, database: Mongo, prometheus: str, answers: list[Any]
) -> None:
    """Missing data are neither requests nor quick ones."""
    answers += [result(), result(), total, quick]
    old, new = read(database, prometheus)
    assert (old.slow, new.slow) == (Proportion(0, 0), slow)


@pytest.mark.parametrize("answer", [{"status": "error"}, [], result("1") | {"data": None}])
def test_a_prometheus_that_does_not_answer_as_it_should_is_an_error(
    answer: Any, database: Mongo, prometheus: str, answers: list[Any]
) -> None:
    """It is not left out in silence."""
    answers.append(answer)
    with pytest.raises(Unavailable):
        read(database, prometheus)


def test_the_query_counts_the_requests_of_a_versions_pods(tmp_path: Path) -> None:
    """By Prometheus' own engine. A pod may have the address that a pod of another version had before."""
    query = versions.REQUESTS.format(series='count{route="/score"}', version="4", seconds=86_400)
    series = {}
    for pod, version in ((1, "4"), (2, "4"), (3, "3"), (2, "3")):
        scraped = f'instance="{pod}",rollouts_pod_template_hash="of-{version}"'
        series[f'pr_sentinel_request_seconds_count{{route="/score",{scraped}}}'] = 1.0
        series[f'up_info{{{scraped},version="{version}"}}'] = 1.0
    metric = {"provider": {"prometheus": {"query": query.replace("pr_sentinel_model_info", "up_info")}}}
    (value,) = found(metric, series, tmp_path)
    assert value == pytest.approx(2 * 180, rel=0.1)
