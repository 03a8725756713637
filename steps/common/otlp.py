"""OpenTelemetry's SDK with its OTLP/HTTP exporter, which the standard variables configure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from threading import Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from steps.common.tracing import ERROR_TYPE, Attributes, Kind, Span

STOP_SECONDS = 2.0
"""Time to send what is left; what an endpoint does not take until then is lost."""
KINDS = {kind.name.lower(): kind for kind in SpanKind}
PROPAGATOR = TraceContextTextMapPropagator()


class RunIdGenerator(RandomIdGenerator):
    """Gives every trace the id of one run, so that its steps share a trace without passing anything on."""

    def __init__(self, run: str) -> None:
        self._id = int.from_bytes(sha256(run.encode()).digest()[:16])

    def generate_trace_id(self) -> int:
        """Return the run's id."""
        return self._id


class SpanSender:
    """Records spans, and sends them in the background; when the endpoint does not take them, they are dropped."""

    def __init__(self, service: str, attributes: Attributes, run: str | None) -> None:
        described = {"service.name": service, **attributes, **OTELResourceDetector().detect().attributes}
        self._exporter = OTLPSpanExporter()
        self._processor = BatchSpanProcessor(self._exporter)
        provider = TracerProvider(
            resource=Resource.create(described),
            shutdown_on_exit=False,
            id_generator=RunIdGenerator(run) if run else None,
        )
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("pr-sentinel")

    @contextmanager
    def start_span(
        self, name: str, attributes: Attributes, kind: Kind, parent: Mapping[str, str] | None
    ) -> Iterator[Span]:
        """Start a span; its exception's message and traceback may hold a pull request's text, and are left out."""
        context = None if parent is None else PROPAGATOR.extract(parent)
        with self._tracer.start_as_current_span(
            name,
            context,
            KINDS[kind],
            dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute(ERROR_TYPE, type(error).__qualname__)
                raise
            finally:
                if isinstance(span, ReadableSpan) and ERROR_TYPE in (span.attributes or {}):
                    span.set_status(StatusCode.ERROR)

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
        return carrier.get("traceparent")

    def stop(self) -> None:
        """Send what is left."""
        last = Thread(target=self._processor.shutdown, daemon=True)  # it would wait for half a minute
        last.start()
        last.join(STOP_SECONDS)
        if last.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]
