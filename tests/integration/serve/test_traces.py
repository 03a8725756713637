"""Traces: a delivery is one trace from the request to the check run; without an endpoint there is nothing."""

import json
import re
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from samples import deliver
from samples.generate import generate_repositories
from steps.common import otlp
from steps.serve.app import create_app
from tests.support.command_line import ROOT
from tests.support.github import StandIn
from tests.support.otlp_receiver import OtlpReceiver, receiving
from tests.support.waiting import wait_until
from tests.support.webhook.apps import configure_app
from tests.support.webhook.hook import Mongo

SECRET = "correct horse battery staple"  # noqa: S105 - it guards nothing
SHOP = "example/webshop"
MARK = "Xyzzy4711"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OTHER_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SERVER, CONSUMER = 2, 5
RECORD_ALL = ("OTEL_TRACES_SAMPLER", "parentbased_always_on")
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture
def endpoint(settings: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    """An endpoint that the service sends its spans to."""
    with receiving() as receiver:
        settings.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address)
        settings.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        yield receiver


def test_a_delivery_is_one_trace_from_the_request_to_the_check_run(
    settings: pytest.MonkeyPatch, endpoint: OtlpReceiver, github: StandIn, mongo_uri: str, database: Mongo
) -> None:
    """GitHub's, if it sends a traceparent; with names and numbers, and no text of the pull request."""
    configure_app(settings, github)
    for name, value in {"MONGO_URI": mongo_uri, "MONGO_DB": database.name, "WEBHOOK_SECRET": SECRET}.items():
        settings.setenv(name, value)
    changes = {"additions": 0, "deletions": 90_000, "changed_files": 900, "title": MARK, "body": MARK}
    github.control(change={f"{SHOP}#12": changes})
    repository = generate_repositories()[SHOP]
    repository.change(12, changes)
    raw = json.dumps(deliver.build_payload(repository, 12, "opened", 1)).encode()
    headers = deliver.build_headers(raw, SECRET, "one") | {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    with TestClient(create_app()) as client:
        assert client.post("/webhook", content=raw, headers=headers).status_code == 202
        done = wait_until(lambda: database.deliveries.find_one({"_id": "one", "state": "done"}))
        measured = client.get("/metrics", headers=OPENMETRICS).text
    assert done["outcome"] == "announced"
    spans = {one.name: one for one in endpoint.spans()}
    request, work = spans["POST /webhook"], spans["process delivery"]
    assert {one.trace_id for one in spans.values()} == {TRACE}
    assert (request.kind, request.parent_id, work.kind, work.parent_id) == (SERVER, PARENT, CONSUMER, request.span_id)
    assert request.attributes["http.response.status_code"] == 202
    assert request.attributes["http.route"] == "/webhook"
    assert [spans[name].parent_id for name in ("fetch pull request", "score", "publish")] == [work.span_id] * 3
    for span in (request, work):
        assert (span.attributes["pr_sentinel.delivery"], span.attributes["pr_sentinel.repository"]) == ("one", SHOP)
        assert span.attributes["pr_sentinel.pull_request"] == 12
        assert span.attributes["service.name"] == "pr-sentinel"
    assert (work.attributes["pr_sentinel.outcome"], work.failed) == ("announced", False)
    assert spans["score"].attributes["pr_sentinel.level"] == done["result"]["level"]
    assert spans["score"].attributes["pr_sentinel.model_version"] == "unregistered"
    assert f'trace_id="{TRACE}"' in measured
    assert not [body for body in endpoint.raw for text in (MARK, SECRET, "a-token") if text.encode() in body]
    assert set(endpoint.paths) == {"/v1/traces"}


def test_a_failure_is_marked_by_its_type_without_its_message(
    settings: pytest.MonkeyPatch, endpoint: OtlpReceiver, pull: dict[str, Any]
) -> None:
    """A message may hold a pull request's text; probes have no spans."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(MARK)

    settings.setenv(*RECORD_ALL)
    settings.setattr("steps.serve.scorer.Scorer.score_in_blocks", fail)
    with TestClient(create_app()) as client:
        assert client.post("/score", json={"pull_requests": [pull | {"title": MARK}]}).status_code == 500
        assert client.get(f"/{MARK}").status_code == 404
        assert client.get("/livez").status_code == 200
    failed, unknown = endpoint.spans()
    assert (failed.name, failed.failed, failed.events) == ("POST /score", True, 0)
    assert (failed.attributes["error.type"], failed.attributes["http.response.status_code"]) == ("500", 500)
    assert (unknown.name, unknown.failed, "http.route" in unknown.attributes) == ("GET", False, False)
    assert not [body for body in endpoint.raw if MARK.encode() in body]


def test_a_score_is_described_and_the_standard_variables_hold(
    settings: pytest.MonkeyPatch, endpoint: OtlpReceiver, pull: dict[str, Any]
) -> None:
    """Name, resource and sampling are the operator's; a client's own sampling holds too."""
    settings.setenv(*RECORD_ALL)
    settings.setenv("OTEL_SERVICE_NAME", "mine")
    settings.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging")
    with TestClient(create_app()) as client:
        for flags in ("00", "01"):
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-{flags}"}
            assert client.post("/score", json={"pull_requests": [pull]}, headers=headers).status_code == 200
        measured = client.get("/metrics").text
    (span,) = endpoint.spans()
    assert (span.attributes["service.name"], span.attributes["deployment.environment.name"]) == ("mine", "staging")
    assert span.attributes["pr_sentinel.pull_request"] == pull["number"]
    assert span.attributes["pr_sentinel.level"] in {"standard", "unusual", "high"}
    assert TRACE not in measured


@pytest.mark.parametrize("given", [None, "", " "])
def test_without_an_endpoint_the_library_is_not_imported(
    settings: pytest.MonkeyPatch, pull: dict[str, Any], given: str | None
) -> None:
    """With one it would be."""
    settings.setitem(sys.modules, "steps.common.otlp", None)
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        settings.setenv(name, given) if given is not None else settings.delenv(name, raising=False)
    with TestClient(create_app()) as client:
        headers = {"traceparent": f"00-{OTHER_TRACE}-{PARENT}-01"}
        assert client.post("/score", json={"pull_requests": [pull]}, headers=headers).status_code == 200
        assert OTHER_TRACE not in client.get("/metrics", headers=OPENMETRICS).text
    settings.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ImportError), TestClient(create_app()):
        pass


def test_nothing_else_imports_the_library_at_once() -> None:
    """It costs every start of a step or of the service half a second."""
    early = re.compile(r"^(from|import) (opentelemetry|steps\.common\.otlp)", re.MULTILINE)
    assert [path.name for path in (ROOT / "steps").rglob("*.py") if early.search(path.read_text())] == ["otlp.py"]


def test_an_endpoint_that_never_answers_neither_fails_nor_delays_anything(
    settings: pytest.MonkeyPatch, pull: dict[str, Any]
) -> None:
    """What it does not take is lost at the end."""
    settings.setattr(otlp, "STOP_SECONDS", 0.1)
    settings.setenv(*RECORD_ALL)
    settings.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces")
        with TestClient(create_app()) as client:
            assert client.post("/score", json={"pull_requests": [pull]}).status_code == 200
            connection, _ = silent.accept()  # the spans are on their way
            assert client.post("/score", json={"pull_requests": [pull]}).status_code == 200
            stopped = time.monotonic()
        assert time.monotonic() - stopped < 5.0  # instead of the exporter's ten
        connection.close()
