"""Network access: each step reaches only its own peers, on a cluster whose network enforces policies."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster import kube

PORTS = {"mongodb": 27017, "versitygw": 7070, "mlflow": 5000, "vault": 8200}
MAY = {
    "fetch": {"mongodb", "vault"},
    "preprocess": {"mongodb", "versitygw", "vault"},
    "executor": {"mongodb", "versitygw"},
    "train": {"versitygw", "mlflow", "vault"},
    "register": {"versitygw", "mlflow", "vault"},
    "stranger": set(),
}
ASK = """
import json, socket
reached = []
for name, port in {ports}.items():
    try:
        socket.create_connection((f"{{name}}.{namespace}.svc", port), timeout=5).close()
        reached.append(name)
    except OSError:
        pass
print(json.dumps(reached))
"""


@pytest.fixture(scope="module")
def reached(pipeline: None, step_images: list[dict[str, str]]) -> Callable[[str], set[str]]:
    """Return the services that a pod with a step's labels reaches."""
    image = "{newName}@{digest}".format(**step_images[0])
    known: dict[str, set[str]] = {}

    def ask(component: str) -> set[str]:
        if component not in known:
            known[component] = set(json.loads(said_by(pod(component, image))))
        return known[component]

    return ask


def pod(component: str, image: str) -> dict[str, Any]:
    """A pod that tries every service once."""
    share = {"cpu": "100m", "memory": "64Mi"}
    container = {
        "name": "main",
        "image": image,
        "command": ["python", "-c", ASK.format(ports=PORTS, namespace=kube.BACKING)],
        "resources": {"requests": share, "limits": share},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"asks-as-{component}", "labels": {"app.kubernetes.io/component": component}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }


def said_by(described: dict[str, Any]) -> str:
    """Run a pod to its end and return its output; the pod is deleted."""
    name = described["metadata"]["name"]
    kube.kubectl("create", "--filename", "-", said=json.dumps(described))
    try:
        kube.wait(lambda: kube.get("pod", name)["status"]["phase"] == "Succeeded", f"the end of {name}")
        return kube.kubectl("logs", name)
    finally:
        kube.kubectl("delete", "pod", name, "--wait=false")


@pytest.mark.parametrize("component", MAY)
def test_each_reaches_its_own_peers(reached: Callable[[str], set[str]], component: str) -> None:
    """No policy stands in the way of what a step needs."""
    assert reached(component) >= MAY[component]


@pytest.mark.parametrize("component", MAY)
def test_nobody_reaches_anything_else(reached: Callable[[str], set[str]], component: str) -> None:
    """Skipped only where a pod that no policy lets out reaches everything: then nothing enforces them."""
    if reached("stranger") == set(PORTS):
        pytest.skip("this cluster's network does not enforce policies: one forbids a connection that went through")
    assert reached(component) == MAY[component]
