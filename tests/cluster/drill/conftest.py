"""Two environments in one cluster, each kept by Argo CD as its branch of a real repository says.

The branches are this commit and one more, with what a fork writes once for its own clusters: addresses, a namespace for
staging beside production's, and limits for a small node. GIT_SERVER is a server to which this machine pushes, and from
which Argo CD reads: a push to `$GIT_SERVER/pr-sentinel.git` makes the repository.
"""

import base64
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from local.services import embedded
from release.images import IMAGES, SERVE
from tests.cluster import kube
from tests.cluster.conftest import SETTINGS, Vault, executor_image, pushed, step_secrets
from tests.integration.release.conftest import NAME, Repository
from tests.support.command_line import ROOT

HERE = Path(__file__).parent
ARGO_CD, WATCH, STAGING = "argocd", "monitoring", "pr-sentinel-staging"
BRANCHES = {"staging": ("staging", STAGING), "production": ("main", kube.PIPELINE)}
"""Each environment's branch and namespace."""


@pytest.fixture(scope="session")
def digests() -> dict[str, str]:
    """Every image but the service's, built and pushed; references by digest."""
    recipe = ("--file", str(ROOT / "steps" / "Dockerfile"))
    named = (name.rpartition("/")[2] for name in IMAGES if name != SERVE)
    return {
        f"pr-sentinel/{name}": "{newName}@{digest}".format_map(
            pushed(f"pr-sentinel/{name}", *recipe, "--target", name, str(ROOT))
        )
        for name in named
    }


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Both branches on the server, with what is this cluster's own."""
    server = os.environ.get("GIT_SERVER") or pytest.skip("GIT_SERVER names no Git server for the cluster")
    made = Repository(f"{server}/pr-sentinel.git", tmp_path_factory.mktemp("repository") / "clone")
    kube.run("git", "clone", "--quiet", "--single-branch", f"file://{ROOT}", str(made.folder))
    own(made.folder / "gitops" / "clusters", made.address)
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "This cluster's own")
    made.git("remote", "remove", "origin")
    made.git("remote", "add", "origin", made.address)
    made.git("push", "--quiet", "--force", "origin", "HEAD:main", "HEAD:staging")
    return made


def own(clusters: Path, address: str) -> None:
    """Write what a fork writes for its clusters; these two are one."""
    change(clusters / "root" / "repository.yaml", lambda found: found["data"].update(url=address))
    change(clusters / "root" / "project.yaml", lambda found: found["spec"]["destinations"][0].update(namespace=STAGING))
    change(clusters / "root" / "staging.yaml", lambda found: found["spec"]["destination"].update(namespace=STAGING))
    for environment in BRANCHES:
        folder = clusters / environment
        change(folder / "settings.yaml", lambda found: found["data"].update(SETTINGS))
        shutil.copy(HERE.parent / "fetch-from-stand-in.yaml", folder)
        shutil.copy(HERE.parent / "load.yaml", folder)
        change(folder / "kustomization.yaml", adapted(environment))


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
        # Nobody measures pods here, so that the autoscaler would be taken for ill.
        removed("HorizontalPodAutoscaler"),
        {"target": {"kind": "Rollout"}, "patch": json.dumps([{"op": "add", "path": "/spec/replicas", "value": 2}])},
    ]

    def how(found: Any) -> None:
        found["resources"] += ["fetch-from-stand-in.yaml", "load.yaml"]
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


def removed(kind: str) -> dict[str, Any]:
    """A kustomize patch that takes all of a kind away."""
    return {"target": {"kind": kind}, "patch": f"$patch: delete\nkind: {kind}\nmetadata: {{name: any}}"}


def patch(kind: str, path: str, value: object, name: str = ".*") -> dict[str, Any]:
    """A kustomize patch that puts a value in another's place."""
    written = json.dumps([{"op": "replace", "path": path, "value": value}])
    return {"target": {"kind": kind, "name": name}, "patch": written}


@pytest.fixture(scope="session")
def beside(digests: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prometheus and users."""
    folder = tmp_path_factory.mktemp("beside")
    context = folder / "prometheus"
    context.mkdir()
    found = shutil.which("prometheus")
    assert found, "prometheus is not on the PATH"
    shutil.copy(found, context)
    image = pushed("pr-sentinel/prometheus", "--file", str(HERE / "prometheus.Dockerfile"), str(context))
    repository, _, digest = digests["pr-sentinel/checks"].partition("@")
    shutil.copy(HERE / "beside.yaml", folder)
    shutil.copy(HERE.parent / "rollouts" / "caller.py", folder)
    overlay = {
        "namespace": WATCH,
        "resources": ["beside.yaml"],
        "images": [
            {"name": "pr-sentinel/prometheus"} | image,
            {"name": "pr-sentinel/checks", "newName": repository, "digest": digest},
        ],
        "configMapGenerator": [
            {"name": "users", "files": ["caller.py"], "options": {"disableNameSuffixHash": True}},
        ],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    kube.kubectl("create", "namespace", WATCH, namespace="default")
    try:
        kube.kubectl("apply", "--server-side", "--kustomize", str(folder), namespace=WATCH)
        kube.rolled_out(WATCH)
        yield
    finally:
        kube.kubectl("delete", "--kustomize", str(folder), "--wait=false", namespace=WATCH)
        kube.kubectl("delete", "namespace", WATCH, "--wait=false", namespace="default")


@pytest.fixture(scope="session")
def secrets(vault_applied: None) -> dict[str, dict[str, str]]:
    """The steps' own; staging's service and checks may read theirs too, and nothing is known of earlier runs."""
    with kube.forwarded("vault", 8200) as address:
        client = Vault(address).client
        for name in ("pr-sentinel-serve", "pr-sentinel-checks"):
            role = json.loads((ROOT / "gitops" / "bootstrap" / "vault" / "roles" / f"{name}.json").read_text())
            role["bound_service_account_namespaces"] += [STAGING]
            client.write_data(f"auth/kubernetes/role/{name}", data=role)
    kube.kubectl("delete", "pod", "mongodb-0", "mlflow-0", namespace=kube.BACKING)
    kube.rolled_out(kube.BACKING)
    return dict(yaml.safe_load(step_secrets()))


@pytest.fixture(scope="session")
def argo_cd(repository: Repository, secrets: dict[str, dict[str, str]]) -> Iterator[None]:
    """Argo CD with the application of applications, under two names for this cluster; nothing is released yet."""
    if kube.get("namespace", "--field-selector", f"metadata.name={kube.PIPELINE}")["items"]:
        kube.kubectl("delete", "rollout", "--all")
    for name, server in {
        "staging": "https://kubernetes.default",
        "production": "https://kubernetes.default.svc.cluster.local",
    }.items():
        kube.kubectl("apply", "--filename", "-", namespace=ARGO_CD, said=json.dumps(cluster(name, server)))
    root = repository.folder / "gitops" / "clusters" / "root"
    kube.kubectl("apply", "--kustomize", str(root), namespace=ARGO_CD)
    try:
        yield
    finally:
        # It would recreate itself and the others.
        stop = ("--type=merge", '--patch={"spec": {"syncPolicy": null}}')
        kube.kubectl("patch", "application", "pr-sentinel", *stop, namespace=ARGO_CD)
        kube.kubectl("delete", "applications", "--all", namespace=ARGO_CD)
        for name in BRANCHES:
            kube.kubectl("delete", "secret", f"cluster-{name}", namespace=ARGO_CD)
        kube.kubectl("delete", "rollout", "--all")
        kube.kubectl("delete", "namespace", STAGING, "--wait=false", namespace="default")


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


@pytest.fixture(scope="session")
def commands(
    repository: Repository, secrets: dict[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The settings of the release commands: Git, GitHub, the clusters, the registry and the store."""
    register = secrets["register"]
    with (
        embedded.sample_github(tmp_path_factory.mktemp("github")) as github,
        kube.forwarded("mlflow", 5000) as mlflow,
        kube.forwarded("versitygw", 7070) as store,
    ):
        requests.post(f"{github['GITHUB_API_URL']}/_reset", timeout=10).raise_for_status()
        yield {
            "GIT_REMOTE": repository.address,
            "GITHUB_API_URL": github["GITHUB_API_URL"],
            "GITHUB_TOKEN": "a-token",
            "GITHUB_REPOSITORY": NAME,
            "STAGING_NAMESPACE": STAGING,
            "REGISTRY_INSECURE": "true",
            "MLFLOW_URI": f"http://{mlflow.replace('127.0.0.1', 'localhost')}",
            "STORE_URL": register["store_url"],
            "S3_ENDPOINT_URL": f"http://{store}",
            "S3_ACCESS_KEY_ID": register["s3_access_key_id"],
            "S3_SECRET_ACCESS_KEY": register["s3_secret_access_key"],
        }
