"""Traces: spans are recorded and sent only if an endpoint is set; else not even the library is imported."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from steps.common.otlp import SpanSender

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""The variables of which one must be set; every other `OTEL_*` variable means what OpenTelemetry's SDK says."""
PREFIX = "pr_sentinel."
"""Prefix of the attributes that OpenTelemetry has no name for."""
ERROR_TYPE = "error.type"
"""The attribute that marks a span as failed."""

Attributes = Mapping[str, str | int | float | bool]
Kind = Literal["internal", "server", "client", "consumer"]


class Sampling(NamedTuple):
    """Which traces are recorded, unless OTEL_TRACES_SAMPLER or a caller's `traceparent` decides otherwise.

    Args:
        share: the share of all traces, from 0 to 1.
        always: the names of spans that are recorded in any case, with those below them.
    """

    share: float
    always: frozenset[str]


class Span(Protocol):
    """A span, as OpenTelemetry has it."""

    def set_attributes(self, attributes: Attributes) -> None:
        """Set attributes."""


class _NoSpan:
    def set_attributes(self, attributes: Attributes) -> None:
        """Do nothing."""


NO_SPAN: AbstractContextManager[Span] = nullcontext(_NoSpan())
_senders: "list[SpanSender]" = []


def start(
    service: str, attributes: Attributes, run: str | None = None, sampling: Sampling | None = None
) -> Callable[[], None]:
    """Send spans from now on, if an endpoint is set.

    Args:
        service: the service's name, unless OTEL_SERVICE_NAME is set.
        attributes: what describes the process, under names of OpenTelemetry or PREFIX.
        run: the name of a workflow's run, whose steps share one trace.
        sampling: which traces are recorded; None: all of them, or what OTEL_TRACES_SAMPLER says.

    Returns:
        A function that sends what is left, for a short time at most, and stops.
    """
    if not any(os.environ.get(name, "").strip() for name in ENDPOINTS):
        return lambda: None
    from steps.common.otlp import SpanSender

    sender = SpanSender(service, attributes, run, sampling)
    _senders.append(sender)

    def stop() -> None:
        _senders.remove(sender)
        sender.stop()

    return stop


def start_span(
    name: str, attributes: Attributes, kind: Kind = "internal", parent: Mapping[str, str] | None = None
) -> AbstractContextManager[Span]:
    """Start a span that is the current one in a `with` block; an exception leaves its type there and no message.

    Args:
        name: one of a few fixed names, never one with an identifier.
        attributes: neither texts of pull requests nor secrets.
        kind: its kind.
        parent: carries a W3C `traceparent`, if there is any; None for the current span.
    """
    return _senders[-1].start_span(name, attributes, kind, parent) if _senders else NO_SPAN


def describe(attributes: Attributes) -> None:
    """Set attributes of the current span, if there is one."""
    if _senders:
        _senders[-1].describe(attributes)


def find_ids() -> dict[str, str] | None:
    """Return `trace_id` and `span_id` of the current span, or None without a span that is sent."""
    return _senders[-1].find_ids() if _senders else None


def format_traceparent() -> str | None:
    """Return the W3C `traceparent` of the current span, or None without one."""
    return _senders[-1].format_traceparent() if _senders else None
