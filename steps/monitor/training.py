"""The nightly pipeline on a cluster: whether it runs, and its start outside the schedule.

The new workflow is what the CronWorkflow would start, with the repositories of this cluster, from the WorkflowTemplate.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from steps.common import kubernetes
from steps.common.kubernetes import ApiServerClient

PIPELINE = "pr-sentinel"
"""The name of the CronWorkflow and of the WorkflowTemplate."""
WORKFLOWS = "apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows"
UNFINISHED = "workflows.argoproj.io/completed!=true"
LABELS = {"app.kubernetes.io/part-of": PIPELINE}
REASON = "pr-sentinel/reason"


class Pipeline(Protocol):
    """The pipeline that trains."""

    @property
    def instead(self) -> str:
        """Return who trains instead, in words; empty where it can be started from here."""

    def list_running(self) -> Sequence[str]:
        """Return the names of its workflows that have not ended."""

    def start(self, name: str, reason: str) -> None:
        """Start a workflow by this name, unless there is one already."""


class ClusterPipeline:
    """The pipeline on the cluster that this pod runs in."""

    def __init__(self, api: ApiServerClient) -> None:
        self._api = api
        self._workflows = WORKFLOWS.format(namespace=api.namespace)

    @property
    def instead(self) -> str:
        """Return who trains instead, in words; empty where this cluster's schedule trains."""
        given = self._read_schedule().get("arguments", {}).get("parameters", [])
        trains = {one["name"]: one.get("value") for one in given}.get("train", "true")
        return "" if trains == "true" else "this cluster does not train: staging does"

    def list_running(self) -> Sequence[str]:
        """Return the names of its workflows that have not ended."""
        found = self._api.get(self._workflows, {"labelSelector": UNFINISHED})["items"]
        return [
            workflow["metadata"]["name"]
            for workflow in found
            if workflow["spec"].get("workflowTemplateRef", {}).get("name") == PIPELINE
        ]

    def start(self, name: str, reason: str) -> None:
        """Start a workflow by this name, unless there is one already."""
        workflow = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": name, "labels": LABELS, "annotations": {REASON: reason}},
            "spec": self._read_schedule(),
        }
        self._api.create(self._workflows, workflow)

    def _read_schedule(self) -> dict[str, Any]:
        """Return the workflow that the schedule starts."""
        schedule = self._api.get(f"{self._workflows.replace('/workflows', '/cronworkflows')}/{PIPELINE}")
        return dict(schedule["spec"]["workflowSpec"])


class LocalPipeline:
    """The pipeline on one machine, which a person starts."""

    instead = "`make run` trains on them"

    def list_running(self) -> Sequence[str]:
        """Return no name."""
        return []

    def start(self, name: str, reason: str) -> None:
        """Start nothing."""


def find_pipeline(account: Path = kubernetes.ACCOUNT_FOLDER) -> Pipeline:
    """Return the cluster's pipeline where a service account is mounted, else that of one machine."""
    if (account / "token").exists():
        return ClusterPipeline(ApiServerClient(account=account))
    return LocalPipeline()
