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
from tests.support import kubectl
from tests.support.manifests import ROOT, Document
from tests.support.network import Place, allowed
from tests.support.schemas import faults

ROLES = ("preprocess", "executor", "train", "register", "monitor")
DIGITALOCEAN = {
    "ENVIRONMENT": "staging",
    "PRIVATE_NETWORK": "10.110.0.0/20",
    "REGISTRY": "registry.digitalocean.com/example",
    "PULL_SECRET": "example",
    "HOSTNAME": "staging.example.com",
    "STORE_URL": "s3://pr-sentinel-staging-example",
    "S3_ENDPOINT_URL": "https://fra1.digitaloceanspaces.com",
    "VAULT_ADDR": "https://vault.example.com",
}
AWS = {
    "ENVIRONMENT": "staging",
    "PRIVATE_NETWORK": "10.130.0.0/16",
    "REGISTRY": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
    "HOSTNAME": "staging.example.com",
    "STORE_URL": "s3://pr-sentinel-staging-example",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "VAULT_ADDR": "https://vault.example.com",
    **{f"ROLE_{step.upper()}": f"arn:aws:iam::123456789012:role/{step}" for step in ROLES},
}
GCP = {
    "ENVIRONMENT": "staging",
    "PRIVATE_NETWORK": "10.150.0.0/20",
    "REGISTRY": "europe-west3-docker.pkg.dev/example/pr-sentinel",
    "HOSTNAME": "staging.example.com",
    "STORE_URL": "s3://pr-sentinel-staging-example",
    "S3_ENDPOINT_URL": "https://storage.googleapis.com",
    "VAULT_ADDR": "https://vault.example.com",
}
SETTINGS = {"digitalocean": DIGITALOCEAN, "aws": AWS, "gcp": GCP}
STORE = {"digitalocean": "5.101.109.44", "aws": "10.130.0.77", "gcp": "142.250.1.1"}
"""An address of each cloud's store, as the pods see it."""


def build_outputs(values: dict[str, Any]) -> dict[str, Any]:
    return {"cluster_settings": {"value": values}, "secrets": {"value": {"fetch": {"mongo_uri": "mongodb://x"}}}}


@pytest.fixture(scope="module", params=SETTINGS)
def cloud(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def built(cloud: str, tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    """What kubectl makes of staging after `make cluster-settings`."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl, which brings kustomize, is not on the PATH")
    folder = tmp_path_factory.mktemp(cloud)
    for part in ("gitops", "rollouts"):
        shutil.copytree(ROOT / part, folder / part)
    overlay.write(cloud, "staging", build_outputs(SETTINGS[cloud]), folder / "gitops")
    command = ["kubectl", "kustomize", str(folder / "gitops" / "clusters" / "staging")]
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
    assert found == ({step: AWS[f"ROLE_{step.upper()}"] for step in ROLES} if cloud == "aws" else {})


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
            for step in ("fetch", "preprocess", "executor", "train", "register", "monitor", "serve", "checks")
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
        overlay.write("digitalocean", "staging", build_outputs(DIGITALOCEAN | change), tmp_path)
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
    (tmp_path / "outputs.json").write_text(json.dumps(build_outputs(DIGITALOCEAN)), "utf-8")
    command = [".venv/bin/python", "-m", "infra", "settings", "digitalocean", "production", "--outputs"]
    done = subprocess.run(
        [*command, str(tmp_path / "outputs.json")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "those of staging, not of production" in done.stderr
