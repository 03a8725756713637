"""Traces of steps: those of one workflow share a trace that its name decides, and pods may reach a collector."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from steps.common import tracing
from steps.common.errors import AccessRefused
from steps.common.step_frame import WORKFLOW, run_step
from tests.support import manifests
from tests.support.network import Place, allowed
from tests.support.otlp_receiver import OtlpReceiver, receiving
from tests.support.schemas import faults

COMPONENT = manifests.ROOT / "gitops" / "components" / "traces"
COLLECTOR = Place("observability", {"app.kubernetes.io/name": "otel-collector"})
MARK = "Xyzzy4711"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    """An endpoint that steps of a workflow send their spans to."""
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address)
        monkeypatch.setenv(WORKFLOW, "pr-sentinel-n7mpx")
        monkeypatch.setenv("GIT_COMMIT", "abc")
        yield receiver


def test_the_steps_of_a_workflow_share_a_trace(endpoint: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a span of it, by its name; another workflow has another trace."""
    for name in ("discover", "fetch"):
        with run_step(name):
            tracing.describe({"pr_sentinel.repository": "owner/name"})
    monkeypatch.setenv(WORKFLOW, "pr-sentinel-x7k2p")
    with run_step("fetch"):
        pass
    first, second, other = endpoint.spans()
    assert (first.name, second.name, first.parent_id, second.parent_id) == ("discover", "fetch", "", "")
    assert (first.trace_id == second.trace_id, second.trace_id == other.trace_id) == (True, False)
    assert first.span_id != second.span_id
    wanted = {"pr_sentinel.step": "fetch", "pr_sentinel.workflow": "pr-sentinel-n7mpx", "service.version": "abc"}
    wanted |= {"service.name": "pr-sentinel-fetch", "pr_sentinel.repository": "owner/name"}
    assert second.attributes.items() >= wanted.items()


def test_a_step_that_fails_is_marked_with_the_errors_type(endpoint: OtlpReceiver) -> None:
    """Without its message; the exit code is that of the error."""
    with pytest.raises(SystemExit) as ended, run_step("fetch"):
        raise AccessRefused(f"{MARK} is not accepted.", advice="Make a new one.")
    assert ended.value.code == AccessRefused.exit_code
    (span,) = endpoint.spans()
    assert (span.failed, span.attributes["error.type"], span.events) == (True, "AccessRefused", 0)
    assert MARK.encode() not in b"".join(endpoint.raw)


def test_an_unreachable_endpoint_costs_a_step_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be sent is lost."""
    monkeypatch.setattr("steps.common.otlp.STOP_SECONDS", 0.1)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with run_step("fetch"):
        assert tracing.find_ids()
    assert tracing.find_ids() is None


@pytest.mark.parametrize("step", ["fetch", "preprocess", "train", "register", "monitor", "serve"])
def test_the_component_lets_the_service_and_every_step_reach_a_collector(step: str) -> None:
    """The cluster without it lets none, and nothing else is opened by it."""
    (name,) = yaml.safe_load((COMPONENT / "kustomization.yaml").read_text("utf-8"))["resources"]
    policy: dict[str, Any] = yaml.safe_load(Path(COMPONENT / name).read_text("utf-8"))
    assert faults(policy) == []
    base, source = manifests.of_kind("NetworkPolicy"), Place("pr-sentinel", {"app.kubernetes.io/component": step})
    ports = [port for port in (80, 4317, 4318) if allowed([*base, policy], source, COLLECTOR, port)]
    assert (ports, allowed(base, source, COLLECTOR, 4318)) == ([4318], False)


def test_every_step_on_a_cluster_knows_its_workflow() -> None:
    """From the label that Argo gives its pod."""
    templates = [one for kind in manifests.of_kind("WorkflowTemplate") for one in kind["spec"]["templates"]]
    found = [{one["name"]: one for one in step["script"]["env"]} for step in templates if "script" in step]
    labels = {env[WORKFLOW]["valueFrom"]["fieldRef"]["fieldPath"] for env in found}
    assert labels == {"metadata.labels['workflows.argoproj.io/workflow']"}
