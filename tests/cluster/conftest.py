"""A cluster with the whole project on it: images, a trial's services, Vault, and the pipeline.

The cluster is the one that KUBECONFIG names, with Argo Workflows on it. Images are built (OPTIONS go to `docker build`)
and pushed to REGISTRY, where its nodes can pull them; TAG takes what was pushed under it before. `argo`, `docker`,
`kubectl`, `prometheus`, `vault` and `versitygw` are on the PATH.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from pymongo.database import Database

from tests.cluster import kube, watching
from tests.cluster.argo import Run, submit
from tests.cluster.project import (
    HERE,
    REPOSITORIES,
    ROOT,
    SETTINGS,
    Vault,
    applied,
    documents,
    executor_image,
    pushed,
    step_secrets,
)
from tests.containers.steps import STEPS
from tests.support.github import StandIn

STOOD_IN_FOR = ("mongo", "versity/versitygw", "ghcr.io/mlflow/mlflow", "hashicorp/vault", "pr-sentinel/backing")
PROGRAMS = ("vault", "versitygw")


@pytest.fixture(scope="session")
def backing_image(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All that stands in for services, in one image."""
    folder = tmp_path_factory.mktemp("backing")
    for name in ("pyproject.toml", "uv.lock", ".ci/uv.txt", "tests/cluster/backing/Dockerfile"):
        shutil.copy(ROOT / name, folder)
    (folder / "bin").mkdir()
    for program in PROGRAMS:
        found = shutil.which(program)
        assert found, f"{program} is not on the PATH"
        shutil.copy(found, folder / "bin")
    shutil.copytree(ROOT / "samples", folder / "app" / "samples")
    if replay := os.environ.get("REPLAY_SERVER"):
        shutil.copytree(Path(replay).parent, folder / "app" / "replay")
        shutil.copytree(Path(replay).parents[1] / "data" / "pulls", folder / "app" / "data" / "pulls")
    return pushed("pr-sentinel/backing", str(folder))


@pytest.fixture(scope="session")
def step_images() -> list[dict[str, str]]:
    """The steps' own images."""
    recipe = ("--file", str(ROOT / "steps" / "Dockerfile"))
    return [
        {"name": f"pr-sentinel/{step}"} | pushed(f"pr-sentinel/{step}", *recipe, "--target", step, str(ROOT))
        for step in STEPS
    ]


@pytest.fixture(scope="session")
def prometheus_image(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Prometheus in an image of its own."""
    folder = tmp_path_factory.mktemp("prometheus")
    found = shutil.which("prometheus")
    assert found, "prometheus is not on the PATH"
    shutil.copy(found, folder)
    return pushed("pr-sentinel/prometheus", "--file", str(HERE / "prometheus.Dockerfile"), str(folder))


@pytest.fixture(scope="module")
def alerts(
    watched: str, prometheus_image: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[watching.Alerts]:
    """The alerts of a Prometheus that knows nothing of before; the namespace `watched` has the service."""
    folder = tmp_path_factory.mktemp("watching")
    shutil.copy(HERE / "prometheus.yaml", folder)
    for name, text in watching.configure(watched).items():
        (folder / name).write_text(text)
    overlay = {
        "namespace": watching.NAMESPACE,
        "resources": ["prometheus.yaml"],
        "images": [{"name": "pr-sentinel/prometheus"} | prometheus_image],
        "configMapGenerator": [{"name": "prometheus", "files": ["prometheus.yml", "rules.yml"]}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    kube.kubectl("create", "namespace", watching.NAMESPACE, namespace="default")
    try:
        kube.kubectl("apply", "--server-side", "--kustomize", str(folder), namespace=watching.NAMESPACE)
        kube.rolled_out(watching.NAMESPACE)
        with kube.forwarded("prometheus", 9090, watching.NAMESPACE) as address:
            yield watching.Alerts(address)
    finally:
        kube.kubectl("delete", "--kustomize", str(folder), namespace=watching.NAMESPACE)
        kube.kubectl("delete", "namespace", watching.NAMESPACE, namespace="default")


@pytest.fixture(scope="session")
def backing(backing_image: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """The services of a trial, ready."""
    images = [{"name": name} | backing_image for name in STOOD_IN_FOR]
    applied(tmp_path_factory.mktemp("services"), HERE / "backing", images=images)
    step_secrets()
    kube.rolled_out(kube.BACKING)


@pytest.fixture(scope="session")
def vault_applied(backing: None) -> None:
    """Policies, roles and secrets, once."""
    with kube.forwarded("vault", 8200) as address:
        Vault(address).apply(step_secrets())


@pytest.fixture
def vault(vault_applied: None) -> Iterator[Vault]:
    """The Vault as the files say; whatever a test has changed is mended after it."""
    with kube.forwarded("vault", 8200) as address:
        yield Vault(address)
    with kube.forwarded("vault", 8200) as address:
        Vault(address).apply(step_secrets())


@pytest.fixture(scope="session")
def accounts() -> None:
    """The pipeline's namespace and service accounts, which Vault's roles name."""
    kube.run("kubectl", "apply", "--server-side", "--filename", str(ROOT / "gitops" / "base" / "namespace.yaml"))
    kube.run("kubectl", "apply", "--server-side", "--kustomize", str(ROOT / "gitops" / "base" / "access"))


@pytest.fixture(scope="session")
def pipeline(step_images: list[dict[str, str]], vault_applied: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """All that gitops/base describes, with this cluster's own: images, addresses, and Argo's executor."""
    folder = tmp_path_factory.mktemp("pipeline")
    shutil.copy(ROOT / "gitops" / "base" / "workflows" / "images.yaml", folder)
    shutil.copy(HERE / "reach-stand-in.yaml", folder)
    settings = {
        "name": "pr-sentinel-settings",
        "namespace": kube.PIPELINE,
        "literals": [f"{name}={value}" for name, value in SETTINGS.items()],
        "options": {"disableNameSuffixHash": True},
    }
    executor = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "pr-sentinel-images", "namespace": kube.PIPELINE},
        "data": {"executor": executor_image()},
    }
    applied(
        folder,
        ROOT / "gitops" / "base",
        "reach-stand-in.yaml",
        images=step_images,
        configurations=["images.yaml"],
        configMapGenerator=[settings],
        patches=[{"patch": yaml.safe_dump(executor)}],
    )


@pytest.fixture(scope="session")
def first_run(pipeline: None) -> Run:
    """The first run on this cluster, over all of them."""
    return submit(*REPOSITORIES).succeeded()


@pytest.fixture
def database(vault_applied: None) -> Iterator[Database[dict[str, Any]]]:
    """The pipeline's documents."""
    with documents() as found:
        yield found


@pytest.fixture
def store(vault_applied: None) -> Iterator[Any]:
    """The bucket."""
    given = yaml.safe_load(step_secrets())["train"]
    key = {"aws_access_key_id": given["s3_access_key_id"], "aws_secret_access_key": given["s3_secret_access_key"]}
    with kube.forwarded("versitygw", 7070) as address:
        yield boto3.resource("s3", endpoint_url=f"http://{address}", region_name="us-east-1", **key).Bucket(
            "pr-sentinel"
        )


@pytest.fixture
def github(pipeline: None) -> Iterator[StandIn]:
    """The sample GitHub, for its faults; they are taken back."""
    with kube.forwarded("github", 8080) as address:
        stand_in = StandIn(f"http://{address}")
        yield stand_in
        stand_in.reset()
