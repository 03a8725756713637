"""The pods behind a Service are those that the API server names as ready; where it says nothing, nothing is made up."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from rollouts.checks.cluster import KubernetesApi, Pod
from steps.common.errors import AccessRefused, ConfigurationError, NotFound, SentinelError, Unavailable
from tests.support.http_server import serve

SLICES = "/apis/discovery.k8s.io/v1/namespaces/here/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dpreview"
IMAGE = "registry.example/serve@sha256:" + "1" * 64
Answers = dict[str, Any]


def endpoint(number: int, ready: bool = True) -> Answers:
    """As an EndpointSlice has one."""
    return {
        "addresses": [f"10.0.0.{number}"],
        "conditions": {"ready": ready},
        "targetRef": {"kind": "Pod", "name": f"pod-{number}"},
    }


def pod(**labels: str) -> Answers:
    """As the API server describes one."""
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "serve", "image": IMAGE}]}}


class ApiServer(BaseHTTPRequestHandler):
    """Answers by path what it is given, to whom it knows."""

    answers: Answers

    def do_GET(self) -> None:
        """Answer; a number is a status without a body."""
        answer = self.answers.get(self.path, 404)
        if self.headers["Authorization"] != "Bearer a-token":
            answer = 401
        self.send_response(answer if isinstance(answer, int) else 200)
        self.end_headers()
        if not isinstance(answer, int):
            self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def answers() -> Answers:
    """A Service with a ready pod and one that is not ready."""
    slices = [{"ports": [{"port": 3000}], "endpoints": [endpoint(1), endpoint(2, ready=False)]}]
    return {
        "/api/v1/namespaces/here/services/preview": {},
        SLICES: {"items": slices},
        "/api/v1/namespaces/here/pods/pod-1": pod(**{"rollouts-pod-template-hash": "7b5c"}),
    }


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """As it is mounted into a pod."""
    for name, content in (("namespace", "here"), ("token", "a-token"), ("ca.crt", "")):
        (tmp_path / name).write_text(f"{content}\n")
    return tmp_path


@pytest.fixture
def cluster(answers: Answers, account: Path) -> Iterator[KubernetesApi]:
    """The API server, asked by that account."""
    handler = type("Handler", (ApiServer,), {"answers": answers})
    with serve(handler) as server:
        yield KubernetesApi(f"http://127.0.0.1:{server.server_port}", account)


def test_the_pods_that_are_ready_are_named_with_what_they_are(cluster: KubernetesApi) -> None:
    """The other one gets no requests either."""
    assert cluster.ready_pods("preview") == [Pod("pod-1", "http://10.0.0.1:3000", "7b5c", IMAGE)]


def test_a_pod_without_a_revision_has_none(cluster: KubernetesApi, answers: Answers) -> None:
    """Somebody else's, say."""
    answers["/api/v1/namespaces/here/pods/pod-1"] = pod(app="other")
    assert [one.pod_hash for one in cluster.ready_pods("preview")] == [None]


@pytest.mark.parametrize("slices", [[], [{"ports": [{"port": 3000}], "endpoints": None}], [{"ports": None}]])
def test_a_service_without_pods_has_none(cluster: KubernetesApi, answers: Answers, slices: Any) -> None:
    """Scaled to zero, for one."""
    answers[SLICES] = {"items": slices}
    assert cluster.ready_pods("preview") == []


@pytest.mark.parametrize(
    ("answer", "error"), [(401, AccessRefused), (403, AccessRefused), (404, NotFound), (500, Unavailable)]
)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_error_of_the_api_server_is_an_error(
    number: int, answer: int, error: type[SentinelError], cluster: KubernetesApi, answers: Answers
) -> None:
    """No list that is shorter."""
    answers[list(answers)[number]] = answer
    with pytest.raises(error):
        cluster.ready_pods("preview")


def test_an_api_server_that_is_away_is_an_error(account: Path) -> None:
    """One worth another try."""
    with pytest.raises(Unavailable):
        KubernetesApi("http://127.0.0.1:9", account).ready_pods("preview")


def test_outside_of_a_pod_there_is_no_cluster(tmp_path: Path) -> None:
    """With advice."""
    with pytest.raises(ConfigurationError, match="in a pod with a service account token"):
        KubernetesApi(account=tmp_path)
