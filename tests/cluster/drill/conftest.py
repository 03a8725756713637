"""Two environments in one cluster, each kept by Argo CD as its branch of a real repository says.

The branches are this commit and one more, with what a fork writes once for its own clusters: addresses, a namespace for
staging beside production's, and limits for a small node. GIT_SERVER is a server to which this machine pushes, and from
which Argo CD reads: a push to `$GIT_SERVER/pr-sentinel.git` makes the repository.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator

import pytest
import yaml

from local.services import embedded
from release.images import IMAGES, SERVE
from tests.cluster import kube
from tests.cluster.drill.environments import ARGO_CD, BRANCHES, HERE, STAGING, WATCH, cluster, own
from tests.cluster.project import Vault, pushed, step_secrets
from tests.support.command_line import ROOT
from tests.support.github import StandIn
from tests.support.interpreters import link_uv
from tests.support.releases import NAME, Repository


@pytest.fixture(scope="session")
def digests() -> dict[str, str]:
    """Every image but the service's, built and pushed; references by digest."""
    revision = kube.run("git", "-C", str(ROOT), "rev-parse", "HEAD").strip()
    recipe = ("--file", str(ROOT / "steps" / "Dockerfile"), "--build-arg", f"REVISION={revision}")
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
    assert re.fullmatch(r"(https?|ssh)://[\w.@:/-]+", server), f"GIT_SERVER is not a URL of a Git server: {server!r}"
    made = Repository(f"{server}/pr-sentinel.git", tmp_path_factory.mktemp("repository") / "clone")
    kube.run("git", "clone", "--quiet", "--single-branch", f"file://{ROOT}", str(made.folder))
    link_uv(made.folder)
    own(made.folder / "gitops" / "clusters", made.address)
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "This cluster's own")
    made.git("remote", "remove", "origin")
    made.git("remote", "add", "origin", made.address)
    made.git("push", "--quiet", "--force", "origin", "HEAD:main", "HEAD:staging")
    return made


@pytest.fixture(scope="session")
def beside(
    digests: dict[str, str], prometheus_image: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Prometheus and users."""
    folder = tmp_path_factory.mktemp("beside")
    repository, _, digest = digests["pr-sentinel/checks"].partition("@")
    shutil.copy(HERE / "beside.yaml", folder)
    shutil.copy(HERE.parent / "prometheus.yaml", folder)
    shutil.copy(HERE.parent / "rollouts" / "caller.py", folder)
    overlay = {
        "namespace": WATCH,
        "resources": ["beside.yaml", "prometheus.yaml"],
        "images": [
            {"name": "pr-sentinel/prometheus"} | prometheus_image,
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
        StandIn(github["GITHUB_API_URL"]).reset()
        yield {
            "GIT_REMOTE": repository.address,
            "GITHUB_API_URL": github["GITHUB_API_URL"],
            "GITHUB_TOKEN": "a-token",
            "GITHUB_REPOSITORY": NAME,
            "STAGING_NAMESPACE": STAGING,
            "REGISTRY_INSECURE": "true",
            "ALLOW_UNSIGNED": "true",
            "MLFLOW_URI": f"http://{mlflow.replace('127.0.0.1', 'localhost')}",
            "STORE_URL": register["store_url"],
            "S3_ENDPOINT_URL": f"http://{store}",
            "S3_ACCESS_KEY_ID": register["s3_access_key_id"],
            "S3_SECRET_ACCESS_KEY": register["s3_secret_access_key"],
        }
