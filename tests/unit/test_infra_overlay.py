"""An environment's overlay is written from the outputs of its root, and a cluster would take what comes of it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import overlay
from tests.support import kubectl, manifests
from tests.support.clouds import ROLES, SETTINGS, build_outputs, write_overlay
from tests.support.manifests import ROOT, Document
from tests.support.network import Place, allowed
from tests.support.schemas import WORKFLOWS, faults

STEPS = ("fetch", "preprocess", "executor", "train", "register", "monitor", "serve", "checks")
REFUSING = (
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "Role",
    "RoleBinding",
    "ResourceQuota",
    "LimitRange",
)
"""The kinds by which a cluster refuses."""
POOL = {"key": "pr-sentinel/pool", "value": "spark", "effect": "NoSchedule"}
STORE = {"digitalocean": "5.101.109.44", "aws": "10.130.0.77", "gcp": "142.250.1.1"}
"""An address of each cloud's store, as the pods see it."""


@pytest.fixture(scope="module", params=SETTINGS)
def cloud(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def built(cloud: str, tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    """What kubectl makes of staging after `make cluster-settings`."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl, which brings kustomize, is not on the PATH")
    command = ["kubectl", "kustomize", str(write_overlay(cloud, "staging", tmp_path_factory.mktemp(cloud)))]
    return list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def select(built: list[Document], kind: str) -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in built if each["kind"] == kind}


@kubectl.needed
def test_every_resource_of_it_is_valid(built: list[Document]) -> None:
    """By the schemas of an API server, with no unknown field."""
    wrong = {f"{each['kind']} {each['metadata']['name']}": found for each in built if (found := faults(each))}
    assert wrong == {}


@kubectl.needed
def test_no_value_is_left_to_set_and_none_is_applied_that_is_for_kustomize_only(built: list[Document]) -> None:
    assert "set from" not in yaml.safe_dump_all(built)
    assert "cloud" not in select(built, "ConfigMap")


@kubectl.needed
def test_steps_get_the_addresses(built: list[Document], cloud: str) -> None:
    settings = select(built, "ConfigMap")["pr-sentinel-settings"]["data"]
    for name in ("STORE_URL", "S3_ENDPOINT_URL", "VAULT_ADDR"):
        assert settings.get(name) == SETTINGS[cloud].get(name), name


@kubectl.needed
def test_on_aws_each_account_has_its_own_role_and_no_other_has_one(built: list[Document], cloud: str) -> None:
    found = {
        name.removeprefix("pr-sentinel-"): annotations["eks.amazonaws.com/role-arn"]
        for name, account in select(built, "ServiceAccount").items()
        if "eks.amazonaws.com/role-arn" in (annotations := account["metadata"].get("annotations", {}))
    }
    assert found == ({step: SETTINGS["aws"][f"ROLE_{step.upper()}"] for step in ROLES} if cloud == "aws" else {})


@kubectl.needed
def test_every_account_pulls_images_with_the_registry_s_secret_where_nodes_have_no_role(
    built: list[Document], cloud: str
) -> None:
    """An account that lacks it has pods that wait for ever."""
    found = {name: one.get("imagePullSecrets") for name, one in select(built, "ServiceAccount").items()}
    assert len(found) >= 9
    secret = [{"name": SETTINGS["digitalocean"]["PULL_SECRET"]}] if cloud == "digitalocean" else None
    assert found == dict.fromkeys(found, secret)


@kubectl.needed
def test_the_project_may_manage_every_kind_of_it(built: list[Document]) -> None:
    """Else Argo CD refuses the whole application."""
    spec = yaml.safe_load((ROOT / "gitops/clusters/root/project.yaml").read_text("utf-8"))["spec"]
    allowed_kinds = {
        each["kind"] for key in ("clusterResourceWhitelist", "namespaceResourceWhitelist") for each in spec[key]
    }
    assert {each["kind"] for each in built} <= allowed_kinds


@kubectl.needed
def test_steps_reach_what_they_use_and_nothing_more(built: list[Document], cloud: str) -> None:
    """The database and Vault in the private network, the store where it is; the way in is the Gateway's."""
    policies = list(select(built, "NetworkPolicy").values())

    def find(address: str, port: int) -> set[str]:
        target = Place(address=address)
        return {
            step
            for step in STEPS
            if allowed(policies, Place("pr-sentinel", {"app.kubernetes.io/component": step}), target, port)
        }

    inside = SETTINGS[cloud]["PRIVATE_NETWORK"].partition("/")[0].rpartition(".")[0] + ".9"
    assert find(inside, 27017) == {"fetch", "preprocess", "executor", "monitor", "serve", "checks"}
    assert find("10.99.0.1", 27017) == set()
    assert find("140.82.112.5", 27017) == set()
    assert find(inside, 8200) == {"fetch", "preprocess", "train", "register", "monitor", "serve", "checks"}
    assert find("169.254.169.254", 80) == set()
    assert find(STORE[cloud], 443) >= {"preprocess", "executor", "train", "register", "monitor"}
    if cloud == "aws":
        assert "train" not in find(STORE["digitalocean"], 443)
    service = Place("pr-sentinel", {"app.kubernetes.io/component": "serve"})
    label = {"gateway.envoyproxy.io/owning-gateway-name": "pr-sentinel"}
    assert allowed(policies, Place("envoy-gateway-system", label), service, 3000)
    assert not allowed(policies, Place("envoy-gateway-system"), service, 3000)


@kubectl.needed
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_every_step_may_resolve_names(built: list[Document], cloud: str, protocol: str) -> None:
    """By pods of the cluster, or on AWS by the node, which has the address of the cluster's DNS."""
    policies = list(select(built, "NetworkPolicy").values())
    pod = Place("kube-system", {"k8s-app": "kube-dns"})
    dns = Place(address="172.20.0.10") if cloud == "aws" else pod

    def find(target: Place, port: int) -> set[str]:
        sources = {step: Place("pr-sentinel", {"app.kubernetes.io/component": step}) for step in STEPS}
        return {step for step, source in sources.items() if allowed(policies, source, target, port, protocol)}

    assert find(dns, 53) == set(STEPS)
    assert find(Place(address="172.20.0.11"), 53) == set()
    assert find(Place(address="8.8.8.8"), 53) == set()


@kubectl.needed
def test_the_api_server_is_reached_by_name_where_policies_have_one_and_by_address_elsewhere(
    built: list[Document], cloud: str
) -> None:
    """The same pods and ports as the base allows."""
    base = next(each for each in manifests.of_kind("NetworkPolicy") if each["metadata"]["name"] == "api-server")["spec"]
    found = select(built, "NetworkPolicy").get("api-server")
    named = select(built, "CiliumNetworkPolicy")
    if cloud != "digitalocean":
        assert (found or {}).get("spec") == base
        assert named == {}
        return
    assert found is None
    spec = named["api-server"]["spec"]
    assert spec["endpointSelector"] == base["podSelector"]
    (rule,) = spec["egress"]
    assert rule["toEntities"] == ["kube-apiserver"]
    ports = [{**each, "port": int(each["port"])} for each in rule["toPorts"][0]["ports"]]
    assert ports == [{"port": each["port"], "protocol": each["protocol"]} for each in base["egress"][0]["ports"]]


@kubectl.needed
def test_what_makes_a_cluster_refuse_is_that_of_the_base(built: list[Document]) -> None:
    """So every manifest that a cluster with the base refuses is refused in every cloud."""

    def find(documents: list[Document]) -> dict[tuple[str, str], Document]:
        kept = [each for each in documents if each["kind"] in REFUSING]
        return {
            (each["kind"], each["metadata"]["name"]): {
                key: value for key, value in each.items() if key not in ("metadata", "apiVersion", "kind")
            }
            for each in kept
        }

    assert find(built) == find(manifests.documents())
    (namespace,) = (each for each in built if each["kind"] == "Namespace")
    (expected,) = manifests.of_kind("Namespace")
    assert expected["metadata"]["labels"].items() <= namespace["metadata"]["labels"].items()


@kubectl.needed
def test_executors_run_on_nodes_of_their_own_that_are_gone_by_day(built: list[Document], cloud: str) -> None:
    """The pool's label and taint are those that the executors' template chooses and tolerates."""
    spec = manifests.executor()["spec"]
    assert {key: value for key, value in spec["tolerations"][0].items() if key != "operator"} == POOL
    (term,) = spec["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert term["preference"]["matchExpressions"] == [{"key": POOL["key"], "operator": "In", "values": ["spark"]}]
    pools = select(built, "NodePool")
    if cloud != "aws":
        assert pools == {}  # the root makes it
        return
    pool = pools["spark"]["spec"]
    assert pool["template"]["metadata"]["labels"] == {POOL["key"]: POOL["value"]}
    assert pool["template"]["spec"]["taints"] == [POOL]
    assert pool["disruption"]["consolidationPolicy"] == "WhenEmpty"


@kubectl.needed
def test_what_clusters_need_before_is_valid_and_allowed() -> None:
    """Argo CD installs it from pinned versions of the project's sources."""
    built = subprocess.run(
        ["kubectl", "kustomize", str(ROOT / "gitops/platform")], capture_output=True, text=True, check=True
    ).stdout
    documents = list(yaml.safe_load_all(built))
    assert [found for each in documents if (found := faults(each))] == []
    (sources,) = (each["spec"]["sourceRepos"] for each in documents if each["kind"] == "AppProject")
    used = [each["spec"]["template"]["spec"] for each in documents if each["kind"] == "ApplicationSet"]
    assert {each["source"]["repoURL"] for each in used} == set(sources)
    assert all(re.fullmatch(r"v[\d.]+", each["source"]["targetRevision"]) for each in used)
    assert {each["project"] for each in used} == {"platform"}


def test_argo_workflows_is_of_one_version_everywhere() -> None:
    """The executor is admitted by name, so it is that of the controller; CVE-2026-54526 is mended since 3.7.15."""
    places = [
        "gitops/platform/argo-workflows.yaml",
        "gitops/base/admission/argo-executor.yaml",
        ".github/workflows/ci.yml",
    ]
    texts = [(ROOT / place).read_text() for place in places] + [WORKFLOWS]
    versions = {re.search(r"(?:argo-workflows|argoexec)\b(?s:.*?)\bv(\d+\.\d+\.\d+)", text)[1] for text in texts}  # type: ignore[index]
    assert len(versions) == 1
    assert tuple(map(int, versions.pop().split("."))) >= (3, 7, 15)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ENVIRONMENT": "production"}, "those of production, not of staging"),
        ({"PRIVATE_NETWORK": "0.0.0.0/0"}, "not private"),
        ({"PRIVATE_NETWORK": "8.8.8.0/24"}, "not private"),
        ({"PRIVATE_NETWORK": "10.0.0.1/20"}, "not a network"),
        ({"STORE_URL": ""}, "STORE_URL is not one line"),
        ({"VAULT_ADDR": "https://a\nb: c"}, "VAULT_ADDR is not one line"),
        ({"HOSTNAME": None}, "HOSTNAME is not one line"),
    ],
)
def test_outputs_that_make_no_overlay_are_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(overlay.OverlayError, match=words):
        overlay.write("digitalocean", "staging", build_outputs(SETTINGS["digitalocean"] | change), tmp_path)
    assert not list(tmp_path.iterdir())


def test_outputs_of_another_version_are_named(tmp_path: Path) -> None:
    with pytest.raises(overlay.OverlayError, match="no cluster_settings"):
        overlay.write("digitalocean", "staging", {}, tmp_path)


def test_secrets_are_those_of_the_outputs_and_of_the_environment() -> None:
    secrets = overlay.build_secrets(build_outputs({}), {"GITHUB_TOKEN": "t", "WEBHOOK_SECRET": "w"})
    assert secrets["fetch"] == {"mongo_uri": "mongodb://x", "github_token": "t"}
    assert secrets["serve"] == {"github_token": "t", "webhook_secret": "w"}
    with pytest.raises(overlay.OverlayError, match="GITHUB_TOKEN"):
        overlay.build_secrets(build_outputs({}), {})


def test_outputs_are_read_from_a_file_too(tmp_path: Path) -> None:
    """As `tofu output -json` printed them on another machine."""
    (tmp_path / "outputs.json").write_text(json.dumps(build_outputs(SETTINGS["digitalocean"])), "utf-8")
    command = [".venv/bin/python", "-m", "infra", "settings", "digitalocean", "production", "--outputs"]
    done = subprocess.run(
        [*command, str(tmp_path / "outputs.json")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "those of staging, not of production" in done.stderr
