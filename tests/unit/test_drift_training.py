"""A training is started as the schedule would do it, by a name of its own, and only where none runs."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from steps.common.errors import AccessRefused, SentinelError, Unavailable
from steps.common.kubernetes import ApiServerClient
from steps.monitor.training import REASON, ClusterPipeline, LocalPipeline, find_pipeline
from tests.support.http_server import serve

BASE = "/apis/argoproj.io/v1alpha1/namespaces/here"
SPEC: dict[str, Any] = {
    "workflowTemplateRef": {"name": "pr-sentinel"},
    "arguments": {"parameters": [{"name": "repositories", "value": '["owner/name"]'}]},
}


class ApiServer(BaseHTTPRequestHandler):
    """Keeps workflows by name, as the API server does."""

    workflows: dict[str, Any]
    status: int
    spec: dict[str, Any] = SPEC

    def do_GET(self) -> None:
        """List those that have not ended, or show the schedule."""
        if self.path == f"{BASE}/workflows?labelSelector=workflows.argoproj.io%2Fcompleted%21%3Dtrue":
            self._answer({"items": list(self.workflows.values())})
        else:
            assert self.path == f"{BASE}/cronworkflows/pr-sentinel"
            self._answer({"spec": {"schedules": ["17 2 * * *"], "workflowSpec": self.spec}})

    def do_POST(self) -> None:
        """Create one, unless there is one by its name."""
        assert self.path == f"{BASE}/workflows"
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = given["metadata"]["name"] in self.workflows
        self.workflows.setdefault(given["metadata"]["name"], given)
        self._answer(given, 409 if known else 201)

    def _answer(self, content: Any, status: int = 200) -> None:
        self.send_response(self.status or status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def handler() -> type[ApiServer]:
    """A server without workflows."""
    return type("Handler", (ApiServer,), {"workflows": {}, "status": 0})


@pytest.fixture
def pipeline(handler: type[ApiServer], tmp_path: Path) -> Iterator[ClusterPipeline]:
    """The pipeline of a pod with a service account."""
    (tmp_path / "namespace").write_text("here")
    (tmp_path / "token").write_text("a-token")
    with serve(handler) as server:
        yield ClusterPipeline(ApiServerClient(f"http://127.0.0.1:{server.server_port}", tmp_path))


def test_it_is_the_workflow_of_the_schedule(pipeline: ClusterPipeline, handler: type[ApiServer]) -> None:
    """With the repositories of this cluster, nothing of its own but the name and the reason, which admission allows."""
    pipeline.start("pr-sentinel-drift-3-7", "owner/name: size (0.50, usual up to 0.25)")
    (made,) = handler.workflows.values()
    assert made["spec"] == SPEC
    assert made["metadata"]["name"] == "pr-sentinel-drift-3-7"
    assert made["metadata"]["annotations"] == {REASON: "owner/name: size (0.50, usual up to 0.25)"}


@pytest.mark.parametrize(
    ("parameters", "instead"),
    [
        ([], ""),
        ([{"name": "train", "value": "true"}], ""),
        ([{"name": "train", "value": "false"}], "this cluster does not train: staging does"),
    ],
)
def test_a_cluster_whose_schedule_does_not_train_starts_no_training(
    parameters: list[Any], instead: str, pipeline: ClusterPipeline, handler: type[ApiServer]
) -> None:
    """As production's: a workflow of its schedule would fetch and end."""
    handler.spec = SPEC | {"arguments": {"parameters": parameters}}
    assert pipeline.instead == instead


def test_a_second_attempt_starts_no_second_one(pipeline: ClusterPipeline, handler: type[ApiServer]) -> None:
    """As after a pod that was killed between the start and the record of it."""
    pipeline.start("pr-sentinel-drift-3-7", "first")
    pipeline.start("pr-sentinel-drift-3-7", "second")
    (made,) = handler.workflows.values()
    assert made["metadata"]["annotations"] == {REASON: "first"}


def test_only_workflows_of_the_pipeline_are_running_trainings(
    pipeline: ClusterPipeline, handler: type[ApiServer]
) -> None:
    """The comparison is a workflow too, of another template; so is what somebody else runs."""
    handler.workflows = {
        name: {"metadata": {"name": name}, "spec": spec}
        for name, spec in {
            "nightly": SPEC,
            "monitor": {"workflowTemplateRef": {"name": "pr-sentinel-monitor"}},
            "other": {"entrypoint": "main"},
        }.items()
    }
    assert pipeline.list_running() == ["nightly"]


@pytest.mark.parametrize(("status", "error"), [(403, AccessRefused), (500, Unavailable)])
def test_a_refusal_is_an_error(
    status: int, error: type[SentinelError], pipeline: ClusterPipeline, handler: type[ApiServer]
) -> None:
    """Not a training that was started."""
    handler.status = status
    with pytest.raises(error):
        pipeline.list_running()
    with pytest.raises(error):
        pipeline.start("pr-sentinel-drift-3-7", "reason")


def test_a_machine_without_a_service_account_starts_nothing_by_itself(tmp_path: Path) -> None:
    """A person does, whom the report tells so."""
    found = find_pipeline(tmp_path)
    assert isinstance(found, LocalPipeline)
    assert found.instead == "`make run` trains on them"
    assert found.list_running() == []
