"""Runs of the pipeline, as an operator starts and watches them: by Argo's own command."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster import kube

TEMPLATE = "workflowtemplate/pr-sentinel"
ENDED = {"Succeeded", "Failed", "Error"}


class Run:
    """A run by its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def described(self) -> dict[str, Any]:
        """The workflow as it is now."""
        return dict(kube.get("workflow", self.name))

    def phase(self) -> str:
        """Pending, Running, Succeeded, …"""
        return str(self.described().get("status", {}).get("phase", "Pending"))

    def nodes(self) -> list[dict[str, Any]]:
        """All its nodes, in the order of their beginning."""
        nodes = self.described().get("status", {}).get("nodes", {}).values()
        return sorted(nodes, key=lambda node: str(node.get("startedAt")))

    def pods(self, step: str) -> list[dict[str, Any]]:
        """Every try of a step."""
        return [node for node in self.nodes() if node["type"] == "Pod" and node["templateName"] == step]

    def ended(self) -> str:
        """Wait for its end; how it ended."""
        return kube.wait(lambda: phase if (phase := self.phase()) in ENDED else None, f"the end of {self.name}")

    def succeeded(self) -> "Run":
        """Wait for its end, which must be a good one."""
        assert self.ended() == "Succeeded", self.shown()
        return self

    def failed(self) -> str:
        """Wait for its end, which must be a bad one; what `argo get` shows then."""
        assert self.ended() == "Failed", self.shown()
        return self.shown()

    def shown(self) -> str:
        """Return the output of `argo get`."""
        return argo("get", self.name)

    def running(self, step: str, when: Callable[[str], bool] = bool) -> str:
        """Wait until a step's container runs and has logged what is asked for; its pod."""

        def look() -> str | None:
            assert self.phase() not in ENDED, self.shown()
            for pod in kube.get("pods", "--selector", f"workflows.argoproj.io/workflow={self.name}")["items"]:
                name = str(pod["metadata"]["name"])
                states = {item["name"]: item["state"] for item in pod["status"].get("containerStatuses", [])}
                if f"-{step}-" in name and "running" in states.get("main", {}) and when(logs(name)):
                    return name
            return None

        return kube.wait(look, f"{step} of {self.name}")

    def outputs(self, step: str) -> dict[str, str]:
        """A step's output parameters, of the try that succeeded."""
        (node,) = (node for node in self.pods(step) if node["phase"] == "Succeeded")
        return {item["name"]: item["value"] for item in node["outputs"].get("parameters", [])}

    def delete(self) -> None:
        """Forget it, with its pods."""
        kube.kubectl("delete", "workflow", self.name)

    def retry(self) -> "Run":
        """Go on after a failure, with what was finished left as it is."""
        argo("retry", self.name)
        return self


def argo(*arguments: str) -> str:
    """Run Argo's command on the pipeline's namespace; what it prints."""
    return kube.run("argo", "--namespace", kube.PIPELINE, *arguments)


def submit(*repositories: str, **parameters: str) -> Run:
    """Start a run over some repositories."""
    given = {"repositories": json.dumps(repositories), **parameters}
    parameter = [part for name, value in given.items() for part in ("--parameter", f"{name}={value}")]
    return Run(argo("submit", "--from", TEMPLATE, *parameter, "--output", "name").strip())


def unlike_any_before() -> dict[str, str]:
    """Parameters of a run that finds no dataset and no model of before, for a new limit and seed go into their keys."""
    seed = secrets.randbelow(10**6)
    return {"most_rejected": f"0.05{seed:06}", "seed": str(seed)}


def create(spec: dict[str, Any]) -> Run:
    """Start a run as a manifest describes it."""
    workflow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "pr-sentinel-"}}
    made = kube.kubectl("create", "--filename=-", "--output=name", said=json.dumps(workflow | {"spec": spec}))
    return Run(made.strip().rpartition("/")[2])


@contextmanager
def no_controller() -> Iterator[None]:
    """Argo's controller is away; it comes back."""
    controller = ("deployment/workflow-controller", "--namespace", "argo")
    kube.run("kubectl", "scale", *controller, "--replicas=0")
    pods = ("pods", "--selector", "app=workflow-controller")
    try:
        kube.wait(lambda: not kube.get(*pods, namespace="argo")["items"], "the end of the controller")
        yield
    finally:
        kube.run("kubectl", "scale", *controller, "--replicas=1")
        kube.rolled_out("argo")


def logs(pod: str) -> str:
    """Return a step's log so far; empty if its pod is gone."""
    try:
        return kube.kubectl("logs", pod, "--container", "main")
    except AssertionError:
        return ""
