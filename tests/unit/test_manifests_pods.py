"""Every pod is what the namespace admits, is bounded, and holds no token that it does not need."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.support import manifests
from tests.support.manifests import Document

API = "/var/run/secrets/kubernetes.io/serviceaccount"
VAULT = "/var/run/secrets/vault"
ACCOUNTS = ("fetch", "preprocess", "train", "register", "monitor", "executor", "serve", "checks")
NOT_A_STEP: dict[str, dict[str, set[str]]] = {
    "executor": {"executor": set()},
    "serve": {"serve": {VAULT}},
    "identity": {"check": {API}},
    "golden": {"check": set()},
    "behaviour": {"check": {VAULT}},
    "replay": {"check": {VAULT}},
    "speed": {"check": set()},
}
"""The tokens that the containers of other pods hold."""
PODS = {pod["metadata"]["name"]: pod for pod in manifests.pods()}


def complaints(pod: Document) -> set[str]:
    """What is wrong with a pod."""
    spec = pod["spec"]
    security = spec["securityContext"]
    found = {
        "may be root": not security.get("runAsNonRoot") or not security.get("runAsUser"),
        "no seccomp profile": security.get("seccompProfile") != {"type": "RuntimeDefault"},
        "no account of its own": spec.get("serviceAccountName") not in {f"pr-sentinel-{name}" for name in ACCOUNTS},
        "volumes of the node": any({*volume} & {"hostPath"} for volume in spec["volumes"]),
        "unbounded folder": any(
            not volume.get("emptyDir", {"sizeLimit": 1}).get("sizeLimit") for volume in spec["volumes"]
        ),
        "host namespaces": any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
    }
    names = {name for name, wrong in found.items() if wrong}
    return names.union(*(_of_container(container) for container in containers(pod)))


def _of_container(container: Document) -> set[str]:
    security, resources = container.get("securityContext", {}), container.get("resources", {})
    bounds = [resources.get(name, {}).keys() for name in ("requests", "limits")]
    found = {
        "escalation": security.get("allowPrivilegeEscalation") is not False,
        "capabilities": security.get("capabilities") != {"drop": ["ALL"]},
        "writable root": security.get("readOnlyRootFilesystem") is not True,
        "privileged": security.get("privileged", False),
        "unbounded": bounds != [{"cpu", "memory"}] * 2,
        "tag": ":" in container["image"],
    }
    return {f"{container['name']}: {name}" for name, wrong in found.items() if wrong}


def containers(pod: Document) -> list[Document]:
    """All of them."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


@pytest.mark.parametrize("name", PODS)
def test_every_pod_is_restricted_and_bounded(name: str) -> None:
    """What the pod security standard "restricted" asks for, a root that can't be written to, and limits."""
    assert complaints(PODS[name]) == set()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda spec: spec["securityContext"].update(runAsNonRoot=False), "may be root"),
        (lambda spec: spec["securityContext"].update(runAsUser=0), "may be root"),
        (lambda spec: spec["securityContext"].pop("seccompProfile"), "no seccomp profile"),
        (lambda spec: spec.update(serviceAccountName="default"), "no account of its own"),
        (lambda spec: spec["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "volumes of the node"),
        (lambda spec: spec["volumes"].append({"name": "x", "emptyDir": {}}), "unbounded folder"),
        (lambda spec: spec.update(hostNetwork=True), "host namespaces"),
        (lambda spec: spec["containers"][0]["securityContext"].clear(), "wait: escalation"),
        (lambda spec: spec["initContainers"][0]["securityContext"].pop("capabilities"), "init: capabilities"),
        (lambda spec: spec["containers"][1]["securityContext"].pop("readOnlyRootFilesystem"), "main: writable root"),
        (lambda spec: spec["containers"][1]["securityContext"].update(privileged=True), "main: privileged"),
        (lambda spec: spec["containers"][1]["resources"]["limits"].pop("cpu"), "main: unbounded"),
        (lambda spec: spec["containers"][0].pop("resources"), "wait: unbounded"),
        (lambda spec: spec["containers"][1].update(image="pr-sentinel/fetch:latest"), "main: tag"),
    ],
)
def test_a_pod_that_is_not_is_complained_of(change: Callable[[Document], Any], complaint: str) -> None:
    """One change each."""
    pod = deepcopy(PODS["fetch"])
    change(pod["spec"])
    assert complaint in complaints(pod)


@pytest.mark.parametrize("name", PODS)
def test_a_container_holds_only_the_tokens_that_it_needs(name: str) -> None:
    """Argo's own report to the API server, steps show themselves to Vault; Spark's driver and monitor do both."""
    pod = PODS[name]
    held = {
        container["name"]: {mount["mountPath"] for mount in container["volumeMounts"]} & {API, VAULT}
        for container in containers(pod)
    }
    main = {"preprocess": {API, VAULT}, "monitor": {API, VAULT}}.get(name, {VAULT})
    assert held == NOT_A_STEP.get(name, {"init": {API}, "wait": {API}, "main": main})


@pytest.mark.parametrize("name", sorted(PODS.keys() - {"executor"}))
def test_vaults_token_is_for_vault_alone_and_soon_over(name: str) -> None:
    """The shortest time that Kubernetes grants."""
    (volume,) = (volume for volume in PODS[name]["spec"]["volumes"] if volume["name"] == "vault-token")
    (source,) = volume["projected"]["sources"]
    assert source["serviceAccountToken"] == {"audience": "vault", "expirationSeconds": 600, "path": "token"}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_labelled_as_what_it_is(name: str) -> None:
    """By the step whose account it runs as; the network policies go by that."""
    pod = PODS[name]
    component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
    assert pod["spec"]["serviceAccountName"] == f"pr-sentinel-{component}"
    assert pod["metadata"]["labels"]["app.kubernetes.io/part-of"] == "pr-sentinel"
