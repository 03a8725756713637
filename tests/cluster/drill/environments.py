"""What a fork writes for its two environments, and what this cluster's small node needs besides."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.cluster import kube
from tests.cluster.project import SETTINGS, SIGNING_KEYS, executor_image
from tests.support.github import StandIn

HERE = Path(__file__).parent
ARGO_CD, WATCH, STAGING = "argocd", "monitoring", "pr-sentinel-staging"
BRANCHES = {"staging": ("staging", STAGING), "production": ("main", kube.PIPELINE)}
"""Each environment's branch and namespace."""
WEBHOOK = {"WEBHOOK_MODE": "comment", "WEBHOOK_SECRET": "it guards only a fake GitHub", "GITHUB_TOKEN": "a-token"}
"""Production's webhook."""


def own(clusters: Path, address: str) -> None:
    """Write what a fork writes for its clusters; these two are one."""
    change(clusters / "root" / "repository.yaml", lambda found: found["data"].update(url=address))
    change(clusters / "root" / "project.yaml", lambda found: found["spec"]["destinations"][0].update(namespace=STAGING))
    change(clusters / "root" / "staging.yaml", lambda found: found["spec"]["destination"].update(namespace=STAGING))
    own_settings = {**SETTINGS, "MODEL_PUBLIC_KEY": SIGNING_KEYS.public}
    for environment in BRANCHES:
        folder = clusters / environment
        change(folder / "settings.yaml", lambda found: found["data"].update(own_settings))
        shutil.copy(HERE.parent / "reach-stand-in.yaml", folder)
        shutil.copy(HERE.parent / "load.yaml", folder)
        change(folder / "kustomization.yaml", adapted(environment))
    # Not in Vault: staging's service, which reads the same secrets here, would answer production's deliveries.
    change(clusters / "production" / "settings.yaml", lambda found: found["data"].update(WEBHOOK))


def change(path: Path, how: Callable[[Any], object]) -> None:
    """Change a YAML file."""
    found = yaml.safe_load(path.read_text())
    how(found)
    path.write_text(yaml.safe_dump(found, sort_keys=False))


def adapted(environment: str) -> Callable[[Any], None]:
    """Add this cluster's executor and a small node's limits to an environment's kustomization."""
    patches = [
        patch("ConfigMap", "/data/executor", executor_image(), "pr-sentinel-images"),
        patch("Rollout", "/spec/template/spec/containers/0/resources/requests/cpu", "50m"),
        # Two pods in both, as the tests expect; without a metrics server the autoscaler keeps to its least.
        patch("HorizontalPodAutoscaler", "/spec/minReplicas", 2),
    ]

    def how(found: Any) -> None:
        found["resources"] += ["reach-stand-in.yaml", "load.yaml"]
        found["patches"] += patches
        if environment == "staging":
            found["namespace"] = STAGING
            # Kustomize leaves alone whom a binding is for; what holds for the whole cluster is production's.
            found["patches"] += [
                patch("RoleBinding", "/subjects/0/namespace", STAGING),
                removed("ValidatingAdmissionPolicy"),
                removed("ValidatingAdmissionPolicyBinding"),
            ]

    return how


def opened(commands: dict[str, str], head: str) -> str:
    """Tell the fake GitHub the commit of staging; the number of the pull request that was opened last."""
    address = commands["GITHUB_API_URL"]
    StandIn(address).control(heads={"staging": head})
    written = requests.get(f"{address}/_written", timeout=10).json()
    return str(written["pull_requests"][-1]["number"])


def removed(kind: str) -> dict[str, Any]:
    """A kustomize patch that takes all of a kind away."""
    return {"target": {"kind": kind}, "patch": f"$patch: delete\nkind: {kind}\nmetadata: {{name: any}}"}


def patch(kind: str, path: str, value: object, name: str = ".*") -> dict[str, Any]:
    """A kustomize patch that puts a value in another's place."""
    written = json.dumps([{"op": "replace", "path": path, "value": value}])
    return {"target": {"kind": kind, "name": name}, "patch": written}


def cluster(name: str, server: str) -> dict[str, Any]:
    """Build the Secret of a cluster as `argocd cluster add` does, with the application controller's own account."""
    token = kube.kubectl("create", "token", "argocd-application-controller", "--duration=3h", namespace=ARGO_CD).strip()
    authority = kube.get("configmap", "kube-root-ca.crt", namespace=ARGO_CD)["data"]["ca.crt"]
    config = {
        "bearerToken": token,
        "tlsClientConfig": {"caData": base64.b64encode(authority.encode()).decode()},
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"cluster-{name}", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "stringData": {"name": name, "server": server, "config": json.dumps(config)},
    }
