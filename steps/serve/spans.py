"""The service's spans: requests, and the work for webhook deliveries; names, numbers and ids, no texts."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from starlette.datastructures import Headers
from starlette.types import Scope

from steps.common import tracing
from steps.common.tracing import ERROR_TYPE, PREFIX, Sampling, Span
from steps.serve.contract import ModelName, ScoreResult
from steps.serve.webhooks.events import Notice

Described = dict[str, str | int | float | bool]

SERVICE = "pr-sentinel"
PROCESS_DELIVERY = "process delivery"
SAMPLING = Sampling(share=0.1, always=frozenset({"POST /webhook", PROCESS_DELIVERY}))
"""A span costs a request 6 % of its time (`benchmarks/tracing.py`); deliveries are few, and each may be an alert."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})


def start(model: ModelName | None) -> Callable[[], None]:
    """Send spans from now on, if an endpoint is set; return a function that stops it."""
    return tracing.start(SERVICE, describe_model(model) if model else {}, sampling=SAMPLING)


def describe_model(model: ModelName) -> Described:
    """Describe the model that a process serves."""
    return {f"{PREFIX}model_version": model.version, f"{PREFIX}model_digest": model.digest}


def start_request(scope: Scope, headers: Headers, route: str | None, request_id: str) -> AbstractContextManager[Span]:
    """Start the span of a request, in the client's trace if it has one; `route` is None for what does not exist."""
    method = scope["method"] if scope["method"] in METHODS else "_OTHER"
    attributes = {
        "http.request.method": method,
        "url.scheme": scope.get("scheme", "http"),
        f"{PREFIX}request_id": request_id,
    }
    if route:
        attributes["http.route"] = route
    name = method if method in METHODS else "HTTP"
    return tracing.start_span(f"{name} {route}" if route else name, attributes, "server", headers)


def describe_response(span: Span, status: int) -> None:
    """Describe how a request ended."""
    failure = {ERROR_TYPE: str(status)} if status >= 500 else {}  # noqa: PLR2004 - the service's own failures
    span.set_attributes({"http.response.status_code": status, **failure})


def start_delivery(notice: Notice, attempt: int, traceparent: str | None) -> AbstractContextManager[Span]:
    """Start the span of an attempt at a delivery, in the trace of the request that stored it."""
    attributes: Described = {f"{PREFIX}action": notice.action, f"{PREFIX}attempt": attempt}
    parent = {"traceparent": traceparent} if traceparent else None
    return tracing.start_span(PROCESS_DELIVERY, describe_notice(notice) | attributes, "consumer", parent)


def describe_notice(notice: Notice) -> Described:
    """Describe a delivery by its id and its pull request."""
    return {
        f"{PREFIX}delivery": notice.delivery,
        f"{PREFIX}repository": notice.repository,
        f"{PREFIX}pull_request": notice.number,
    }


def describe_outcome(outcome: str) -> Described:
    """Describe how an attempt at a delivery ended; failures are marked."""
    failure = {ERROR_TYPE: outcome} if outcome in ("failed", "postponed") else {}
    return {f"{PREFIX}outcome": outcome, **failure}


def describe_result(result: ScoreResult) -> Described:
    """Describe a score and its pull request."""
    return {
        f"{PREFIX}repository": result.repository,
        f"{PREFIX}pull_request": result.number,
        f"{PREFIX}level": result.level,
        f"{PREFIX}history": result.history,
    }
