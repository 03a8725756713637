"""A cluster with the whole project on it: images, a trial's services, Vault, and the pipeline.

The cluster is the one that KUBECONFIG names, with Argo Workflows on it. Images are built (OPTIONS go to `docker build`)
and pushed to REGISTRY, where its nodes can pull them; TAG takes what was pushed under it before. `argo`, `docker`,
`kubectl`, `vault` and `versitygw` are on the PATH.
"""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import hvac
import pytest
import requests
import yaml
from mlflow import MlflowClient
from pymongo import MongoClient
from pymongo.database import Database

from steps.common.registry import CHAMPION, Registry
from steps.common.tracking import REGISTERED_MODEL
from tests.cluster import kube
from tests.cluster.argo import Run, submit
from tests.containers.steps import STEPS
from tests.support.command_line import cli

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
REGISTRY = os.environ.get("REGISTRY", "localhost:5000")
STOOD_IN_FOR = ("mongo", "versity/versitygw", "ghcr.io/mlflow/mlflow", "hashicorp/vault", "pr-sentinel/backing")
PROGRAMS = ("vault", "versitygw")
REPOSITORIES = ("example/docs", "example/compiler", "example/webshop")
SETTINGS = {
    "VAULT_ADDR": f"http://vault.{kube.BACKING}.svc:8200",
    "GITHUB_API_URL": f"http://github.{kube.BACKING}.svc:8080",
}


def pushed(name: str, *arguments: str) -> dict[str, str]:
    """Build and push an image, unless TAG names one that was; where kustomize finds it, by its digest."""
    reference = f"{REGISTRY}/{name}:{os.environ.get('TAG', 'latest')}"
    if "TAG" not in os.environ:
        options = shlex.split(os.environ.get("OPTIONS", ""))
        kube.run("docker", "build", "--tag", reference, *options, *arguments)
        kube.run("docker", "push", reference)
    pinned = kube.run("docker", "image", "inspect", "--format", "{{index .RepoDigests 0}}", reference).strip()
    repository, _, digest = pinned.partition("@")
    return {"newName": repository, "digest": digest}


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


def applied(folder: Path, base: Path, *beside: str, **more: Any) -> None:
    """Apply an overlay over a folder of this project, with files that lie beside the overlay."""
    overlay = {"resources": [os.path.relpath(base, folder), *beside], **more}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    kube.run("kubectl", "apply", "--server-side", "--force-conflicts", "--kustomize", str(folder))


@pytest.fixture(scope="session")
def backing(backing_image: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """The services of a trial, ready."""
    images = [{"name": name} | backing_image for name in STOOD_IN_FOR]
    applied(tmp_path_factory.mktemp("services"), HERE / "backing", images=images)
    step_secrets()
    kube.rolled_out(kube.BACKING)


def step_secrets() -> str:
    """Each step's secrets for these services, as YAML."""
    return script("credentials.py", **{"GITHUB_TOKEN": "a-token"})


def script(name: str, *arguments: str, said: str = "", **environment: str) -> str:
    """Run one of the scripts of the bootstrap; what it prints."""
    command = [sys.executable, str(ROOT / "gitops" / "bootstrap" / name), *arguments]
    return kube.run(*command, said=said, env=os.environ | environment)


class Vault:
    """The cluster's Vault, and who may change it."""

    def __init__(self, address: str) -> None:
        self.address = f"http://{address}"
        self.token = kube.kubectl("exec", "vault-0", "--", "cat", "/tmp/token", namespace=kube.BACKING)  # noqa: S108
        self.client = hvac.Client(self.address, self.token)

    def apply(self, secrets: str = "") -> list[str]:
        """Bring it to what the files say; what was changed."""
        given = ("--secrets", "-") if secrets else ()
        root = {"VAULT_ADDR": self.address, "VAULT_TOKEN": self.token}
        return script("vault/apply.py", *given, said=secrets, **root).splitlines()

    def put(self, step: str, **values: str | None) -> None:
        """Change some of a step's secrets; None takes one away."""
        store = self.client.secrets.kv.v2
        path = f"pr-sentinel/{step}"
        now = store.read_secret_version(path, mount_point="secret", raise_on_deleted_version=True)["data"]["data"]
        now |= values
        store.create_or_update_secret(path, {k: v for k, v in now.items() if v is not None}, mount_point="secret")


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
    shutil.copy(HERE / "fetch-from-stand-in.yaml", folder)
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
        "fetch-from-stand-in.yaml",
        images=step_images,
        configurations=["images.yaml"],
        configMapGenerator=[settings],
        patches=[{"patch": yaml.safe_dump(executor)}],
    )


def executor_image() -> str:
    """The image that this cluster's Argo puts beside each step."""
    deployments = kube.get("deployment", "--all-namespaces", "--field-selector", "metadata.name=workflow-controller")
    arguments = deployments["items"][0]["spec"]["template"]["spec"]["containers"][0]["args"]
    return str(arguments[arguments.index("--executor-image") + 1])


@pytest.fixture(scope="session")
def first_run(pipeline: None) -> Run:
    """The first run on this cluster, over all of them."""
    return submit(*REPOSITORIES).succeeded()


@contextmanager
def documents() -> Iterator[Database[dict[str, Any]]]:
    """The pipeline's documents, as fetch's own user."""
    user = urlsplit(yaml.safe_load(step_secrets())["fetch"]["mongo_uri"])
    with (
        kube.forwarded("mongodb", 27017) as address,
        MongoClient[dict[str, Any]](
            address, username=user.username, password=user.password, authSource="pr_sentinel", directConnection=True
        ) as client,
    ):
        yield client["pr_sentinel"]


def forget(database: Database[dict[str, Any]], repositories: Sequence[str]) -> None:
    """Have everything of some repositories fetched again."""
    for repository in repositories:
        for name in ("pull_requests", "sync", "history"):
            database[name].delete_many({"_id": {"$regex": f"^{repository}(#|$)"}})


@contextmanager
def tracking() -> Iterator[MlflowClient]:
    """Its runs and models."""
    with kube.forwarded("mlflow", 5000) as address:
        yield MlflowClient(f"http://{address.replace('127.0.0.1', 'localhost')}")


@contextmanager
def no_champion() -> Iterator[None]:
    """Nothing to be compared with, as at a first run; the champion comes back, and one of meanwhile goes."""
    with tracking() as client:
        before = Registry(client).get_champion()
        if before:
            client.delete_registered_model_alias(REGISTERED_MODEL, CHAMPION)
    try:
        yield
    finally:
        with tracking() as client:
            registry = Registry(client)
            if made := registry.get_champion():
                registry.delete(made)  # else it would be refused another time, as one that was taken back
            if before:
                registry.restore(before)


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


@contextmanager
def replaying(*options: str) -> Iterator[None]:
    """The replay server of real pull requests in the place of the sample GitHub, which comes back."""
    path = "/spec/template/spec/containers/0/command"
    pod = kube.get("deployment", "github", namespace=kube.BACKING)["spec"]["template"]["spec"]

    def answers(command: Sequence[str]) -> None:
        change = json.dumps([{"op": "replace", "path": path, "value": command}])
        kube.kubectl("patch", "deployment/github", "--type=json", "--patch", change, namespace=kube.BACKING)
        kube.rolled_out(kube.BACKING)

    every_address = "0.0.0.0"  # noqa: S104  of its pod
    answers(["python", "replay/server.py", "--host", every_address, "--port", "8080", *options])
    try:
        yield
    finally:
        answers(pod["containers"][0]["command"])


def local_hash(state: Path, repositories: Sequence[str]) -> str:
    """The hash of the dataset that a laptop makes of the same GitHub's pull requests."""
    with kube.forwarded("github", 8080) as address:
        named = {"GITHUB_API_URL": f"http://{address}", "GITHUB_TOKEN": "a-token"}
        done = cli("run", "--repos", " ".join(repositories), "--state", str(state), **named)
    assert done.returncode == 0, done.stdout
    (dataset,) = (state / "store" / "datasets").glob("*/manifest.json")
    return dataset.parent.name


@pytest.fixture
def github(pipeline: None) -> Iterator[str]:
    """The address of the sample GitHub on this machine, for its faults; they are taken back."""
    with kube.forwarded("github", 8080) as address:
        yield f"http://{address}"
        requests.post(f"http://{address}/_reset", timeout=10).raise_for_status()
