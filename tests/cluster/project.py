"""What of the project the tests put on a cluster: images, secrets, Vault, MongoDB and MLflow of a trial."""

import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hvac
import yaml
from mlflow import MlflowClient
from pymongo import MongoClient
from pymongo.database import Database

from steps.common.registry import CHAMPION, Registry
from steps.common.tracking import REGISTERED_MODEL
from tests.cluster import kube
from tests.support import signing_keys
from tests.support.command_line import cli

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
REGISTRY = os.environ.get("REGISTRY", "localhost:5000")
SIGNING_KEYS = signing_keys.build(1)
REPOSITORIES = ("example/docs", "example/compiler", "example/webshop")
SETTINGS = {
    "VAULT_ADDR": f"http://vault.{kube.BACKING}.svc:8200",
    "VAULT_PLAIN_HTTP": "allowed",
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


def applied(folder: Path, base: Path, *beside: str, **more: Any) -> None:
    """Apply an overlay over a folder of this project, with files that lie beside the overlay."""
    overlay = {"resources": [os.path.relpath(base, folder), *beside], **more}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    kube.run("kubectl", "apply", "--server-side", "--force-conflicts", "--kustomize", str(folder))


def step_secrets() -> str:
    """Each step's secrets for these services, as YAML."""
    return script("credentials.py", **{"GITHUB_TOKEN": "a-token", "MODEL_SIGNING_KEY": SIGNING_KEYS.private})


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


def executor_image() -> str:
    """The image that this cluster's Argo puts beside each step."""
    deployments = kube.get("deployment", "--all-namespaces", "--field-selector", "metadata.name=workflow-controller")
    arguments = deployments["items"][0]["spec"]["template"]["spec"]["containers"][0]["args"]
    return str(arguments[arguments.index("--executor-image") + 1])


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
    assert done.returncode == 0, done.stdout + done.stderr
    (dataset,) = (state / "store" / "datasets").glob("*/manifest.json")
    return dataset.parent.name
