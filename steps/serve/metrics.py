"""The service's Prometheus metrics; routes are templates, and no label holds the name of a repository or a person."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import product
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from steps.common import tracing
from steps.serve.contract import HistorySource, Level, ModelName, ScoreResult
from steps.serve.feedback import Vote

REGISTRY = CollectorRegistry()
"""The metrics of this process, the only one that serves."""
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SCORES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15)

disable_created_metrics()  # type: ignore[no-untyped-call]
ProcessCollector(registry=REGISTRY)

REQUESTS = Counter(
    "pr_sentinel_requests",
    "Requests answered; route `check` for scores that a release's checks request, `delivery` for deliveries processed",
    ["route", "status"],
    registry=REGISTRY,
)
LATENCY = Histogram(
    "pr_sentinel_request_seconds",
    "Time until the response has been sent; for route `delivery`, until its pull request has been scored",
    ["route"],
    buckets=SECONDS,
    registry=REGISTRY,
)
SCORED = Counter(
    "pr_sentinel_scored",
    "Pull requests scored, by level and by the source of the history they were compared with",
    ["route", "level", "history"],
    registry=REGISTRY,
)
SCORE = Histogram("pr_sentinel_score", "Scores of pull requests", buckets=SCORES, registry=REGISTRY)
MODEL = Gauge("pr_sentinel_model_info", "The model", ["name", "version", "digest", "data_hash"], registry=REGISTRY)
BUDGET = Gauge("pr_sentinel_alert_budget", "Share of pull requests that the model may flag", registry=REGISTRY)
NEWEST = Gauge(
    "pr_sentinel_model_data_timestamp_seconds",
    "Opening of the newest pull request that the model was trained on, in Unix time",
    ["version"],
    registry=REGISTRY,
)
READY = Gauge("pr_sentinel_ready", "1 if a model is loaded and passed its checks, else 0", registry=REGISTRY)
PREDICTIONS = Counter("pr_sentinel_predictions", "Scores written or dropped", ["outcome"], registry=REGISTRY)
WAITING = Gauge("pr_sentinel_predictions_waiting", "Scores not yet written to MongoDB", registry=REGISTRY)
DELIVERIES = Counter("pr_sentinel_deliveries", "Webhook deliveries by outcome", ["outcome"], registry=REGISTRY)
BACKLOG = Gauge("pr_sentinel_deliveries_waiting", "Webhook deliveries in MongoDB that wait", registry=REGISTRY)
OLDEST = Gauge(
    "pr_sentinel_oldest_delivery_timestamp_seconds",
    "Time at which the webhook delivery that has waited longest was received, in Unix time; 0 if none waits",
    registry=REGISTRY,
)
VOTES = Counter("pr_sentinel_votes", "Votes on alerts by people with write access", ["vote"], registry=REGISTRY)
MISSED = Counter("pr_sentinel_missed_deliveries", "Pull requests found without a delivery", registry=REGISTRY)

CHECK, DELIVERY = "check", "delivery"
"""Routes that are not paths: scores that checks request, and the work for webhook deliveries."""

ALERTED_ROUTES = ("/score", "/score_url", "/webhook")
SERVER_ERRORS = (500, 502, 503, 504)


def _begin_at_zero() -> None:
    """Export what alerts count before it happens: where a series begins with its first events, no increase is seen."""
    for route, status in (("/webhook", 401), *product(ALERTED_ROUTES, SERVER_ERRORS)):
        REQUESTS.labels(route, str(status))
    for level, history in product(get_args(Level), get_args(HistorySource)):
        SCORED.labels("/webhook", level, history)
    for vote in get_args(Vote):
        VOTES.labels(vote)
    for outcome in ("written", "dropped"):
        PREDICTIONS.labels(outcome)


_begin_at_zero()


def count_request(route: str, status: int, started: float) -> None:
    """Count a request; `started` comes from `time.perf_counter`."""
    _request_counter(route, status).inc()
    _latency_histogram(route).observe(time.perf_counter() - started, tracing.find_ids())


def count_scores(route: str, results: Iterable[ScoreResult]) -> None:
    """Count the results of pull requests."""
    for result in results:
        _score_counter(route, result.level, result.history).inc()
        if route != CHECK:
            SCORE.observe(result.score)


def set_model_info(name: ModelName, data_hash: str, alert_budget: float, newest: str | None) -> None:
    """Set what identifies the model, its alert budget (a share), and how far its data reach (ISO 8601)."""
    MODEL.labels(name.name, name.version, name.digest, data_hash).set(1)
    BUDGET.set(alert_budget)
    if newest:
        NEWEST.labels(name.version).set(datetime.fromisoformat(newest).timestamp())


def count_delivery(outcome: str) -> None:
    """Count a webhook delivery; `outcome` is one of a few fixed words."""
    DELIVERIES.labels(outcome).inc()


def count_work(status: int) -> None:
    """Count an attempt at a webhook delivery: 200 if it ended well, 500 if it failed unexpectedly."""
    _request_counter(DELIVERY, status).inc()


@contextmanager
def measure_work() -> Iterator[None]:
    """Measure how long the pull request of a webhook delivery takes to score, without GitHub's share of the work."""
    started = time.perf_counter()
    yield
    _latency_histogram(DELIVERY).observe(time.perf_counter() - started, tracing.find_ids())


def set_backlog(waiting: int, oldest: datetime | None) -> None:
    """Set the number of deliveries that wait, and when the oldest of them was received."""
    BACKLOG.set(waiting)
    OLDEST.set(oldest.timestamp() if oldest else 0)


def count_vote(vote: Vote) -> None:
    """Count a vote on an alert."""
    VOTES.labels(vote).inc()


def count_missed_deliveries(count: int) -> None:
    """Count pull requests that a sweep found."""
    MISSED.inc(count)


def render(accepted: str) -> tuple[bytes, str]:
    """Render all metrics in Prometheus' text format, or in OpenMetrics', which alone has exemplars.

    Args:
        accepted: the client's Accept header.

    Returns:
        The metrics and their media type.
    """
    encode, media_type = choose_encoder(accepted)
    return bytes(encode(REGISTRY)), media_type


# Looking up a labelled metric costs more than counting; there are few routes, statuses and levels.
_request_counter = cache(lambda route, status: REQUESTS.labels(route, str(status)))
_latency_histogram = cache(LATENCY.labels)
_score_counter = cache(SCORED.labels)
