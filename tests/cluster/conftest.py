"""A cluster with the whole project on it: images, a trial's services, Vault, and the pipeline.

The cluster is the one that KUBECONFIG names, with Argo Workflows on it; images are pushed to REGISTRY, where its nodes
can pull them. OPTIONS go to `docker build`. `argo`, `docker`, `kubectl`, `vault` and `versitygw` are on the PATH.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest
import yaml

from tests.cluster import kube

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
REGISTRY = os.environ.get("REGISTRY", "localhost:5000")
STEPS = ("fetch", "preprocess", "train", "register")
STOOD_IN_FOR = ("mongo", "versity/versitygw", "ghcr.io/mlflow/mlflow", "hashicorp/vault", "pr-sentinel/backing")
PROGRAMS = ("vault", "versitygw")
SETTINGS = {
    "VAULT_ADDR": f"http://vault.{kube.BACKING}.svc:8200",
    "GITHUB_API_URL": f"http://github.{kube.BACKING}.svc:8080",
}


def pushed(name: str, *arguments: str) -> dict[str, str]:
    """Build and push an image; where kustomize finds it, by its digest."""
    reference = f"{REGISTRY}/{name}"
    options = shlex.split(os.environ.get("OPTIONS", ""))
    kube.run("docker", "build", "--tag", reference, *options, *arguments)
    kube.run("docker", "push", reference)
    pinned = kube.run("docker", "image", "inspect", "--format", "{{index .RepoDigests 0}}", reference).strip()
    return {"newName": reference, "digest": pinned.partition("@")[2]}


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


def applied(folder: Path, base: Path, **more: Any) -> None:
    """Apply an overlay over a folder of this project."""
    overlay = {"resources": [os.path.relpath(base, folder)], **more}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    kube.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", str(folder), namespace="default")


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
        now = store.read_secret_version(path, "secret", raise_on_deleted_version=True)["data"]["data"] | values
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
    kube.kubectl("apply", "--server-side", "--filename", str(ROOT / "gitops" / "base" / "namespace.yaml"))
    kube.kubectl("apply", "--server-side", "--kustomize", str(ROOT / "gitops" / "base" / "access"))
