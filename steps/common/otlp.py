"""OpenTelemetry's SDK with its OTLP/HTTP exporter, which the standard variables configure."""

import logging
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from threading import Thread

from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, TraceIdRatioBased
from opentelemetry.trace import (
    SpanKind,
    StatusCode,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from steps.common.tracing import ERROR_TYPE, NO_SPAN, Attributes, Kind, Sampling, Span

STOP_SECONDS = 2.0
"""Time to send what is left; what an endpoint does not take until then is lost."""
KINDS = {kind.name.lower(): kind for kind in SpanKind}
PROPAGATOR = TraceContextTextMapPropagator()
TRACEPARENT = "traceparent"
RATIO_SAMPLER = "parentbased_traceidratio"
ALL = Sampling(1.0, frozenset())

logger = logging.getLogger(__name__)


class RunIdGenerator(RandomIdGenerator):
    """Gives every trace the id of one run, so that its steps share a trace without passing anything on."""

    def __init__(self, run: str) -> None:
        self._id = int.from_bytes(sha256(run.encode()).digest()[:16])

    def generate_trace_id(self) -> int:
        """Return the run's id."""
        return self._id


class SpanSender:
    """Records spans, and sends them in the background; when the endpoint does not take them, they are dropped."""

    def __init__(self, service: str, attributes: Attributes, run: str | None, sampling: Sampling | None) -> None:
        own = None if sampling is None else _choose_sampling(sampling)
        self._sampling = own or ALL
        described = {"service.name": service, **attributes, **OTELResourceDetector().detect().attributes}
        self._exporter = OTLPSpanExporter()
        self._processor = BatchSpanProcessor(self._exporter)
        provider = TracerProvider(
            resource=Resource.create(described),
            shutdown_on_exit=False,
            id_generator=RunIdGenerator(run) if run else None,
            sampler=DEFAULT_ON if own else None,  # None: as the standard variables say
        )
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("pr-sentinel")

    def start_span(
        self, name: str, attributes: Attributes, kind: Kind, parent: Mapping[str, str] | None
    ) -> AbstractContextManager[Span]:
        """Start a span, unless it begins a trace that is not recorded: that costs a request next to nothing.

        A span that is always recorded begins a trace of its own where its caller does not record the one it is in.
        """
        context = PROPAGATOR.extract(parent) if parent is not None and TRACEPARENT in parent else None
        above = get_current_span(context).get_span_context()
        if name in self._sampling.always:
            context = context if above.trace_flags.sampled else Context()
        elif not above.is_valid and random.random() >= self._sampling.share:  # noqa: S311 - it guards nothing
            return NO_SPAN
        return self._record(name, attributes, kind, context)

    @contextmanager
    def _record(self, name: str, attributes: Attributes, kind: Kind, context: Context | None) -> Iterator[Span]:
        """Record a span; its exception's message and traceback may hold a pull request's text, and are left out."""
        span = self._tracer.start_span(name, context, KINDS[kind], dict(attributes))
        token = attach(set_span_in_context(span))
        try:
            yield span
        except BaseException as error:
            span.set_attribute(ERROR_TYPE, type(error).__qualname__)
            raise
        finally:
            detach(token)
            if isinstance(span, ReadableSpan) and ERROR_TYPE in (span.attributes or {}):
                span.set_status(StatusCode.ERROR)
            span.end()

    def describe(self, attributes: Attributes) -> None:
        """Set attributes of the current span."""
        get_current_span().set_attributes(dict(attributes))

    def find_ids(self) -> dict[str, str] | None:
        """Return the ids of the current span in hexadecimal, if it is sent."""
        context = get_current_span().get_span_context()
        if not context.trace_flags.sampled:
            return None
        return {"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}

    def format_traceparent(self) -> str | None:
        """Return the `traceparent` of the current span."""
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        return carrier.get(TRACEPARENT)

    def stop(self) -> None:
        """Send what is left."""
        last = Thread(target=self._processor.shutdown, daemon=True)  # it would wait for half a minute
        last.start()
        last.join(STOP_SECONDS)
        if last.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _choose_sampling(wanted: Sampling) -> Sampling | None:
    """Return which traces are recorded; None if the operator wants one of the SDK's samplers instead."""
    sampler = os.environ.get(OTEL_TRACES_SAMPLER, "").strip().lower()
    if not sampler:
        return wanted
    return wanted._replace(share=_read_share()) if sampler == RATIO_SAMPLER else None


def _read_share() -> float:
    """Read the share that the operator wants; if it is not valid, it means everything, as in the SDK."""
    try:
        return TraceIdRatioBased(float(os.environ.get(OTEL_TRACES_SAMPLER_ARG, ""))).rate
    except ValueError:
        logger.warning("OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1: all traces are recorded")
        return ALL.share
