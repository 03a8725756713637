"""Texts of pull requests leave the service in its response only: not in the log, not in error reports."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests
import sentry_sdk.transport
from starlette.testclient import TestClient

from steps.common.pull_request import PullRequest
from steps.serve import logs, scorer
from steps.serve.app import create_app
from tests.support import serving

MARK = "Xyzzy4711"
Pull = dict[str, Any]


def mark_texts(pull: Pull) -> Pull:
    """Put the mark into all texts of a pull request."""
    words = {name: f"{MARK} {name}" for name in ("title", "body")}
    labels = [{"name": f"{MARK} label"}]
    return pull | words | {"user": {"login": MARK}, "labels": labels, "html_url": f"https://{MARK}"}


@pytest.fixture
def failing(settings: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A service in which scoring fails with an error that quotes its input."""

    def score(_: Any, asked: list[scorer.ScoreInput], **__: Any) -> list[scorer.ScoredPullRequest]:
        pull: PullRequest = asked[0].pull
        try:
            return [int(pull.title)]  # type: ignore[list-item]
        except ValueError as error:
            raise RuntimeError(pull.body) from error

    settings.setattr(scorer, "score", score)
    return settings


class Ingest(BaseHTTPRequestHandler):
    """Receives what Sentry's client sends."""

    taken: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def ingest(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[bytes]]]:
    """A DSN for SENTRY_DSN, and the requests sent to it."""
    monkeypatch.setattr(sentry_sdk.transport, "brotli", None)
    taken: list[bytes] = []
    handler = type("Own", (Ingest,), {"taken": taken})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://a-key@127.0.0.1:{server.server_port}/1", taken
        server.shutdown()
        thread.join()


def test_a_request_is_logged_as_one_line_without_the_pull_requests_texts(service: serving.Running, pull: Pull) -> None:
    """Whether it is scored or refused."""
    whole, address = mark_texts(pull), f"{service.address}/score"
    bodies = [
        json.dumps({"pull_requests": [whole]}),
        json.dumps({"pull_requests": [whole | {"additions": MARK}], MARK: 1}),
        json.dumps({"pull_requests": [whole | {"additions": -1}]}),
        json.dumps({"pull_requests": [whole]})[:-1],
    ]
    answers = [
        requests.post(
            address, body, headers={"Content-Type": "application/json", "X-Request-Id": f"one-{n}"}, timeout=30
        )
        for n, body in enumerate(bodies)
    ]
    answers += [requests.post(address, json.dumps({MARK: 1}), headers={"X-Request-Id": "one-4"}, timeout=30)]
    answers += [requests.get(address, {"q": MARK}, headers={"X-Request-Id": "one-5"}, timeout=30)]
    assert [one.status_code for one in answers] == [200, 422, 422, 400, 415, 405]
    for n, answer in enumerate(answers):
        line = service.line(f"one-{n}")
        assert answer.headers["x-request-id"] == f"one-{n}"
        assert (line["path"], line["status"]) == ("/score", answer.status_code)
        assert line["ms"] > 0
    assert MARK not in service.log.read_text()


def test_all_output_of_the_worker_is_json(service: serving.Running) -> None:
    """Only its launcher logs in another format."""
    others = [line for line in service.log.read_text().splitlines() if not line.startswith("{")]
    assert all(" [cli] " in line for line in others), others


def test_successful_probes_are_not_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for path in ("/livez", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200
    assert [record for record in caplog.records if record.message == "request"] == []


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a\tb", 'a"b', "ä"])
def test_a_request_id_is_accepted_only_if_it_is_safe_to_log(client: TestClient, name: str) -> None:
    answer = client.get("/livez", headers={b"X-Request-Id": name.encode()})
    assert len(answer.headers["x-request-id"]) == 32


def test_an_unexpected_error_is_a_500_with_its_traceback_in_the_log(
    failing: pytest.MonkeyPatch, pull: Pull, capfd: pytest.CaptureFixture[str]
) -> None:
    """With the types of its causes, and no messages."""
    logs.configure()
    with TestClient(create_app()) as client:
        answer = client.post("/score", json={"pull_requests": [mark_texts(pull)]}, headers={"X-Request-Id": "one"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-model"] == "pr-sentinel:unregistered"
    assert MARK not in answer.text
    said = capfd.readouterr().err
    (line,) = (json.loads(one) for one in said.splitlines() if "exception" in one)
    assert (line["message"], line["request_id"], line["error"]) == ("request failed", "one", "RuntimeError")
    assert "in score" in line["exception"]
    assert [one for one in line["exception"].splitlines() if one.endswith("Error")] == ["ValueError", "RuntimeError"]
    assert MARK not in said


def test_sentry_gets_an_unexpected_error_without_its_message(
    failing: pytest.MonkeyPatch, pull: Pull, ingest: tuple[str, list[bytes]]
) -> None:
    """Its type and traceback."""
    address, taken = ingest
    failing.setenv("SENTRY_DSN", address)
    with TestClient(create_app()) as client:
        assert client.post("/score", json={"pull_requests": []}).status_code == 422
        assert client.post("/score", json={"pull_requests": [mark_texts(pull)]}).status_code == 500
    (envelope,) = taken
    assert MARK.encode() not in envelope
    event = json.loads(envelope.splitlines()[2])
    assert [one["type"] for one in event["exception"]["values"]] == ["ValueError", "RuntimeError"]
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "score"
    assert not any("vars" in frame for frame in frames)
    assert event["logentry"] == {"message": "request failed"}
    assert not {"request", "user", "breadcrumbs", "extra", "contexts"} & event.keys()


def test_without_a_dsn_sentry_gets_nothing(
    failing: pytest.MonkeyPatch, pull: Pull, ingest: tuple[str, list[bytes]]
) -> None:
    with TestClient(create_app()) as client:
        assert client.post("/score", json={"pull_requests": [pull]}).status_code == 500
    assert ingest[1] == []


def test_an_invalid_dsn_is_logged_without_its_value(
    settings: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.setenv("SENTRY_DSN", "https://secret@/")
    with TestClient(create_app()) as client:
        assert client.get("/readyz").status_code == 200
    assert "SENTRY_DSN is not valid" in caplog.text
    assert "secret" not in caplog.text
