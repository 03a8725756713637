"""The service under `bentoml serve`: limits on the wire, no blocked requests, nothing dropped on shutdown."""

import http.client
import json
import pickle
import signal
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from steps.serve.contract import MAX_BODY_BYTES
from tests.support import serving

Pull = dict[str, Any]
JSON = {"Content-Type": "application/json"}


def test_a_pull_request_is_scored_and_bentomls_own_routes_are_closed(service: serving.Running, pull: Pull) -> None:
    """No pickle, no other content type, none of BentoML's routes."""
    given = {"pull_requests": [pull]}
    address = f"{service.address}/score"
    answer = requests.post(address, json=given, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["x-model-digest"] == answer.json()["model"]["digest"]
    for kind in ("application/vnd.bentoml+pickle", "application/octet-stream", "multipart/form-data; boundary=x"):
        refused = requests.post(address, pickle.dumps(given), headers={"Content-Type": kind}, timeout=30)
        assert refused.status_code == 415
    for path in ("/docs.json", "/schema.json", "/healthz", "/static_content/index.js", "/assets/index.js", "/docs"):
        closed = service.get(path)
        assert closed.status_code == 404
        assert closed.headers["content-type"] == "application/problem+json"
        assert "x-request-id" in closed.headers


def test_every_response_names_the_model_and_has_security_headers(service: serving.Running) -> None:
    digest = service.get("/model").json()["digest"]
    for path in ("/", "/livez", "/readyz", "/metrics", "/model", "/openapi.json", "/page/app.js", "/nothing"):
        headers = service.get(path).headers
        assert headers["x-model"] == "pr-sentinel:unregistered"
        assert headers["x-model-digest"] == digest
        assert len(headers["x-request-id"]) == 32
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_metrics_are_labelled_by_route_and_status_only(service: serving.Running, pull: Pull) -> None:
    """With no client's paths, and no repository."""
    requests.post(f"{service.address}/score", json={"pull_requests": [pull] * 3}, timeout=30)
    service.get("/some/path/of/mine")
    answer = service.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    for line in (
        'pr_sentinel_requests_total{route="/score",status="200"}',
        'pr_sentinel_requests_total{route="other",status="404"}',
        'pr_sentinel_request_seconds_count{route="/score"}',
        'pr_sentinel_scored_total{history="none",level="',
        "pr_sentinel_score_bucket{",
        'pr_sentinel_model_info{data_hash="',
        "pr_sentinel_ready 1.0",
        "process_resident_memory_bytes",
    ):
        assert line in answer.text
    assert "/some/path" not in answer.text
    assert pull["base"]["repo"]["full_name"] not in answer.text


def _parts(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * 2**20


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_limit_is_answered_after_it_was_sent(service: serving.Running, announced: bool) -> None:
    """With and without Content-Length."""
    body = b" " * (MAX_BODY_BYTES + 2**20) if announced else _parts(MAX_BODY_BYTES // 2**20 + 1)
    answer = requests.post(f"{service.address}/score", body, headers=JSON, timeout=60)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_client_that_expects_100_continue_is_refused_before_it_sends(service: serving.Running) -> None:
    """`Expect: 100-continue` is answered with the refusal."""
    parts = urlsplit(service.address)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as connection:
        head = f"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {2**40}\r\n"
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "head",
    [
        b"POST /score HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /score HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=lambda head: head[:40].decode("ascii", "replace"),
)
def test_invalid_http_is_refused_and_the_service_survives(service: serving.Running, head: bytes) -> None:
    parts = urlsplit(service.address)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as connection:
        connection.sendall(head)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 400 ")
    assert service.get("/readyz").status_code == 200


def test_a_disconnect_in_the_middle_of_a_body_is_not_an_error(service: serving.Running) -> None:
    parts = urlsplit(service.address)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as connection:
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Request-Id: gone\r\n"
        connection.sendall(head + b"Content-Length: 100\r\n\r\n{")
    line = service.line("gone")
    assert (line["level"], line["message"], line["status"]) == ("info", "request", 499)


@pytest.mark.slow
def test_ten_thousand_pull_requests_do_not_block_other_requests(service: serving.Running, pull: Pull) -> None:
    """Neither a probe nor a single pull request; several attempts, since the machine may be busy."""
    slim = {name: value for name, value in pull.items() if not isinstance(value, dict | list) and "url" not in name}
    slim |= {"user": {"login": "someone"}, "base": {"ref": "main", "repo": {"full_name": "owner/name"}}}
    large, single = (json.dumps({"pull_requests": [slim] * count}) for count in (10_000, 1))
    done: list[requests.Response] = []

    def send() -> None:
        done.append(requests.post(f"{service.address}/score", large, headers=JSON, timeout=120))

    waits = []
    sender = threading.Thread(target=send)
    with requests.Session() as session:
        session.post(f"{service.address}/score", single, headers=JSON, timeout=30)
        sender.start()
        while sender.is_alive():
            began = time.monotonic()
            assert session.get(f"{service.address}/livez", timeout=30).status_code == 200
            assert session.post(f"{service.address}/score", single, headers=JSON, timeout=30).status_code == 200
            waits.append(time.monotonic() - began)
    assert len(done[0].json()["results"]) == 10_000
    assert len(waits) > 3
    assert statistics.median(waits) < 0.5
    assert max(waits) < 2


@pytest.mark.slow
def test_the_service_answers_requests_in_flight_before_it_stops(model: Path, tmp_path: Path, pull: Pull) -> None:
    """SIGTERM during requests of a thousand pull requests: each is answered, then the service stops."""
    body = json.dumps({"pull_requests": [pull] * 1_000})
    answers: list[int] = []
    with serving.running(tmp_path, {"MODEL_DIR": str(model)}) as service:
        parts = urlsplit(service.address)
        connections = [http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60) for _ in range(4)]
        for connection in connections:
            connection.request("POST", "/score", body, JSON)
        service.process.send_signal(signal.SIGTERM)
        for connection in connections:
            answer = connection.getresponse()
            answers.append(answer.status)
            assert len(json.loads(answer.read())["results"]) == 1_000
        assert service.process.wait(30) in (0, -signal.SIGTERM)
        lines = service.lines()
    assert answers == [200] * 4
    assert [one["status"] for one in lines if one["message"] == "request"] == [200] * 4
    assert not [one for one in lines if one["level"] == "error"]
