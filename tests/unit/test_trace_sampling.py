"""Which traces are recorded: a share of the requests, every delivery, and what an operator or a caller decides."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.datastructures import Headers

from steps.common import tracing
from steps.common.step_frame import WORKFLOW, run_step
from steps.serve import spans
from steps.serve.webhooks.events import Notice
from tests.support.otlp_receiver import OtlpReceiver, receiving

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
UNRECORDED, RECORDED = f"00-{TRACE}-{PARENT}-00", f"00-{TRACE}-{PARENT}-01"
NOTICE = Notice("d-7", "opened", "owner/name", 7, "c" * 40, None)
SCORE, WEBHOOK, WORK = "POST /score", "POST /webhook", "process delivery"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    """An endpoint for spans."""
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address)
        yield receiver


@contextmanager
def sending() -> Iterator[None]:
    """Send the service's spans, all of them at the end."""
    stop = spans.start(None)
    yield
    stop()


def request(path: str, traceparent: str | None = None) -> str | None:
    """Have a request's span, and return what it passes on."""
    headers = Headers({"traceparent": traceparent} if traceparent else {})
    with spans.start_request({"method": "POST"}, headers, path, "an-id") as span:
        spans.describe_response(span, 202)
        return tracing.format_traceparent()


def work(traceparent: str | None) -> None:
    """Have the spans of the work for a delivery."""
    with spans.start_delivery(NOTICE, 1, traceparent), tracing.start_span("score", {}):
        pass


def count(endpoint: OtlpReceiver, *names: str) -> list[int]:
    """The numbers of spans received, by name."""
    received = [one.name for one in endpoint.spans()]
    return [received.count(name) for name in names]


def test_one_request_in_ten_is_recorded_and_every_delivery(endpoint: OtlpReceiver) -> None:
    """With its work, which is one trace with it."""
    random.seed(7)
    with sending():
        for _ in range(300):
            request("/score")
        for _ in range(20):
            work(request("/webhook"))
    requests, *others = count(endpoint, SCORE, WEBHOOK, WORK, "score")
    assert (15 < requests < 50, others) == (True, [20, 20, 20])
    traces = {one.trace_id for one in endpoint.spans() if one.name != SCORE}
    assert len(traces) == 20


@pytest.mark.parametrize(
    ("sampler", "share", "requests", "deliveries"),
    [
        ("parentbased_traceidratio", "0", 0, 5),
        ("parentbased_traceidratio", "1", 50, 5),
        ("ParentBased_TraceIdRatio", "0.0", 0, 5),
        ("parentbased_traceidratio", "", 50, 5),
        ("parentbased_traceidratio", "1.5", 50, 5),
        ("parentbased_traceidratio", "nan", 50, 5),
        ("traceidratio", "0", 0, 0),
        ("parentbased_always_on", "0", 50, 5),
        ("always_on", "", 50, 5),
        ("parentbased_always_off", "", 0, 0),
        ("always_off", "1", 0, 0),
    ],
)
def test_the_standard_variables_decide(
    endpoint: OtlpReceiver,
    monkeypatch: pytest.MonkeyPatch,
    sampler: str,
    share: str,
    requests: int,
    deliveries: int,
) -> None:
    """A share is one of the requests; a share that is not valid means all, as in OpenTelemetry's SDK."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", share)
    with sending():
        for _ in range(50):
            request("/score")
        for _ in range(5):
            work(request("/webhook"))
    assert count(endpoint, SCORE, WEBHOOK, WORK, "score") == [requests, deliveries, deliveries, deliveries]


def test_an_empty_sampler_is_the_default_one(endpoint: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty value counts as not set."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", " ")
    random.seed(7)
    with sending():
        for _ in range(300):
            request("/score")
    assert 15 < count(endpoint, SCORE)[0] < 50


def test_a_caller_decides_on_its_requests(endpoint: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the flag in its traceparent; one that is damaged decides nothing."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    with sending():
        for traceparent in (UNRECORDED, RECORDED, "00-nothing-01"):
            request("/score", traceparent)
    (span,) = endpoint.spans()
    assert (span.trace_id, span.parent_id) == (TRACE, PARENT)


def test_a_delivery_is_recorded_though_its_caller_is_not(endpoint: OtlpReceiver) -> None:
    """As behind a proxy that records a share of what it passes on; it is a trace of its own then."""
    with sending():
        work(request("/webhook", UNRECORDED))
        work(request("/webhook", RECORDED))
        work(UNRECORDED)
    received = endpoint.spans()
    assert [one.name for one in received] == [WEBHOOK, WORK, "score"] * 2 + [WORK, "score"]
    first, second, third = ({one.trace_id for one in part} for part in (received[:3], received[3:6], received[6:]))
    assert (len(first), second, len(third)) == (1, {TRACE}, 1)
    assert len(first | second | third) == 3


def test_a_request_that_is_not_recorded_has_no_ids(endpoint: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """So no exemplar leads to a trace that does not exist."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    with sending():
        for traceparent in (None, UNRECORDED):
            headers = Headers({"traceparent": traceparent} if traceparent else {})
            with spans.start_request({"method": "POST"}, headers, "/score", "an-id"):
                tracing.describe({"pr_sentinel.level": "high"})
                assert tracing.find_ids() is None
    assert endpoint.spans() == []


def test_the_steps_of_a_workflow_are_recorded_together_or_not_at_all(
    endpoint: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an operator records a share of the workflows."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    for run in range(12):
        monkeypatch.setenv(WORKFLOW, f"pr-sentinel-{run}")
        for name in ("discover", "fetch"):
            with run_step(name):
                pass
    traces = [one.trace_id for one in endpoint.spans()]
    assert 0 < len(set(traces)) < 12
    assert all(traces.count(one) == 2 for one in traces)
