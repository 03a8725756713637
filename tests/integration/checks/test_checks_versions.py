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
from rollouts.checks.compare import LatestScore, Proportion
from rollouts.checks.recent import FIRST_INJECTED_NUMBER
from steps.common.errors import Unavailable
from tests.support.http_server import serve
from tests.support.promtool import found

Mongo = Database[dict[str, Any]]
NOW = datetime.now(UTC)


def prediction(number: int, version: str = "4", **changes: Any) -> dict[str, Any]:
    """As the service keeps one."""
    kept = {"id": f"o/n#{number}", "repository": "o/n", "number": number, "scored_at": NOW, "score": 2.0}
    return kept | {"unusual": False, "model": {"version": version, "digest": "d"}} | changes


def test_the_last_word_on_each_pull_request_counts(database: Mongo) -> None:
    """Of this version, in these days."""
    later: dict[str, Any] = {"scored_at": NOW + timedelta(seconds=1), "score": 7.0, "unusual": True}
    old: dict[str, Any] = {"scored_at": NOW - timedelta(days=8)}
    database.predictions.insert_many(
        [prediction(1, **later), prediction(1), prediction(2), prediction(3, "3"), prediction(4, **old)]
    )
    read = versions.read_version(database, "4", 7, None)
    assert read.scored == {"o/n#1": LatestScore(7.0, True), "o/n#2": LatestScore(2.0, False)}
    assert (read.name, read.digests, read.flagged_share) == ("4", frozenset({"d"}), Proportion(1, 2))
    assert (read.slow, read.removed) == (Proportion(0, 0), Proportion(0, 0))


def test_the_checks_own_requests_do_not_count(database: Mongo) -> None:
    """Planted and golden ones are flagged on purpose."""
    database.predictions.insert_many(
        [prediction(FIRST_INJECTED_NUMBER + 1), prediction(201, repository="golden/example")]
    )
    assert versions.read_version(database, "4", 7, None).scored == {}


def test_alerts_that_a_person_removed_are_counted_by_pull_request(database: Mongo) -> None:
    """However many deliveries there were of it."""
    alerts = [(1, "announced"), (1, "updated"), (2, "announced"), (2, "removed by a person"), (3, "standard")]
    database.deliveries.insert_many(
        {"repository": "o/n", "number": number, "outcome": outcome, "finished_at": NOW, "result": {"model": "4"}}
        for number, outcome in alerts
    )
    assert versions.read_version(database, "4", 7, None).removed == Proportion(1, 2)
    assert versions.read_version(database, "3", 7, None).removed == Proportion(0, 0)


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
    ],
)
def test_slow_answers_are_those_over_a_tenth_of_a_second(
    total: Any, quick: Any, slow: Proportion, database: Mongo, prometheus: str, answers: list[Any]
) -> None:
    """No data are no requests, and no quick ones either."""
    answers += [total, quick]
    assert versions.read_version(database, "4", 7, prometheus).slow == slow


@pytest.mark.parametrize("answer", [{"status": "error"}, [], result("1") | {"data": None}])
def test_a_prometheus_that_does_not_answer_as_it_should_is_an_error(
    answer: Any, database: Mongo, prometheus: str, answers: list[Any]
) -> None:
    """It is not left out in silence."""
    answers.append(answer)
    with pytest.raises(Unavailable):
        versions.read_version(database, "4", 7, prometheus)


def test_the_query_counts_the_requests_of_a_versions_pods(tmp_path: Path) -> None:
    """By Prometheus' own engine. A pod may have the address that a pod of another version had before."""
    query = versions.REQUESTS.format(series='count{route="/score"}', version="4", days=1)
    series = {}
    for pod, version in ((1, "4"), (2, "4"), (3, "3"), (2, "3")):
        scraped = f'instance="{pod}",rollouts_pod_template_hash="of-{version}"'
        series[f'pr_sentinel_request_seconds_count{{route="/score",{scraped}}}'] = 1.0
        series[f'up_info{{{scraped},version="{version}"}}'] = 1.0
    metric = {"provider": {"prometheus": {"query": query.replace("pr_sentinel_model_info", "up_info")}}}
    (value,) = found(metric, series, tmp_path)
    assert value == pytest.approx(2 * 180, rel=0.1)
