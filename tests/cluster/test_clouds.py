"""An API server takes each cloud's overlay whole, and with it refuses all that the base makes it refuse."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.overlay import CLOUDS
from tests.cluster import control_plane, kube
from tests.support.clouds import write_overlay
from tests.support.manifests import ROOT
from tests.support.refusals import Refusal, refusals
from tests.support.schemas import CRDS, source
from tests.support.waiting import wait_until

CASES = refusals("cluster")
pytestmark = pytest.mark.skipif(
    control_plane.is_missing(), reason=f"{', '.join(control_plane.PROGRAMS)} are not all on the PATH"
)


@pytest.fixture(scope="module", params=CLOUDS)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """kubectl's argument for a control plane that has taken a cloud's overlay."""
    folder = tmp_path_factory.mktemp(request.param)
    built = kube.run("kubectl", "kustomize", str(write_overlay(request.param, "production", folder / "manifests")))
    kinds = {each["kind"] for each in yaml.safe_load_all(built)} | {"Workflow"}
    with control_plane.run(folder) as settings:
        argument = f"--kubeconfig={settings}"
        define(argument, *kinds & CRDS.keys())
        kube.run("kubectl", argument, "apply", "--server-side", "--filename", "-", said=built)
        yield argument


def define(argument: str, *kinds: str) -> None:
    """Make kinds known that a cluster's programs bring with them; they are some seconds after their definitions."""
    for kind in sorted(kinds):
        module, path = CRDS[kind]
        kube.run("kubectl", argument, "apply", "--server-side", "--filename", str(source(module) / path))
    look = ["kubectl", argument, "get", ",".join(sorted(kinds))]
    wait_until(
        lambda: not subprocess.run(look, capture_output=True, check=False).returncode,
        f"{', '.join(kinds)} to be known",
        timeout=120,
        interval=2,
    )


def test_what_the_way_applies_is_taken_in_its_order(tmp_path: Path) -> None:
    """Every `kubectl apply` of docs/cloud.md, on a cluster that has what Terraform makes: Argo CD and its namespace."""
    way = (ROOT / "docs" / "cloud.md").read_text("utf-8")
    commands = re.findall(r"^\$ kubectl (.*\bapply -[fk] \S+.*?)(?:  .*)?$", way, re.MULTILINE)
    assert len(commands) >= 5
    with control_plane.run(tmp_path) as settings:
        argument = f"--kubeconfig={settings}"
        define(argument, "Application", "ApplicationSet", "AppProject")
        kube.run("kubectl", argument, "create", "namespace", "argocd")
        for command in commands:
            kube.run("kubectl", argument, *shlex.split(command), cwd=ROOT)
        kinds = "statefulset,applicationset,application"
        found = kube.run("kubectl", argument, "get", "--all-namespaces", "--output=name", kinds)
    names = {line.rpartition("/")[2] for line in found.split()}
    assert names >= {
        "vault",
        "mlflow",
        "argo-workflows",
        "argo-rollouts",
        "cert-manager",
        "envoy-gateway",
        "pr-sentinel",
    }


def test_the_whole_overlay_is_taken(cluster: str) -> None:
    """From the policies of the first wave to the Gateway and the service."""
    kinds = "networkpolicy,rollout,gateway"
    names = kube.run("kubectl", cluster, "--namespace", kube.PIPELINE, "get", kinds, "--output=name")
    assert "rollout.argoproj.io/model-serving" in names
    assert "gateway.gateway.networking.k8s.io/pr-sentinel" in names


@pytest.mark.parametrize("refusal", CASES, ids=[case.path.stem for case in CASES])
def test_what_the_base_refuses_is_refused(cluster: str, refusal: Refusal) -> None:
    """With the words that stand in the file; a policy takes effect some seconds after it was made."""
    asks = ("--as", refusal.user) if refusal.user else ()
    command = ["kubectl", cluster, "create", "--dry-run=server", *asks, "--filename", str(refusal.path)]

    def look() -> str | None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else None

    assert refusal.words in wait_until(look, f"a refusal of {refusal.path.name}", interval=1)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_with_two_versions_side_by_side_the_way_in_leads_to_both(cloud: str, tmp_path: Path) -> None:
    """By one Service, wherever a cloud has its route; the Rollout keeps all else."""
    place = write_overlay(cloud, "production", tmp_path / "manifests")
    usual = render(place)
    whole = yaml.safe_load((place / "kustomization.yaml").read_text())
    whole["components"].append(os.path.relpath(tmp_path / "manifests" / "rollouts" / "split", place))
    (place / "kustomization.yaml").write_text(yaml.safe_dump(whole))
    split = render(place)
    assert split.keys() - usual.keys() == {("Service", "model-serving")}
    changed = {which for which, thing in usual.items() if thing != split[which]}
    assert changed == {("Rollout", "model-serving"), ("HTTPRoute", "pr-sentinel")}
    (rule,) = split["HTTPRoute", "pr-sentinel"]["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "model-serving", "port": 80}]
    before, after = (one["Rollout", "model-serving"]["spec"] for one in (usual, split))
    assert {name for name in before if before[name] != after[name]} == {"strategy"}


def render(place: Path) -> dict[tuple[str, str], Any]:
    """Everything of an overlay, by kind and name."""
    things = yaml.safe_load_all(kube.run("kubectl", "kustomize", str(place)))
    return {(each["kind"], each["metadata"]["name"]): each for each in things}
