"""Production at its third release: the repository, the cluster, the registries of models and of images."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from release.images import IMAGES, SERVE
from steps.common.registry import CHAMPION, PRODUCTION
from tests.integration.release.cluster import Cluster
from tests.support import releases, tracking
from tests.support.image_registry import serve_folder
from tests.support.model_versions import NAME
from tests.support.releases import Repository, digest


@pytest.fixture(scope="session")
def registry_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an images' registry."""
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="session")
def host(registry_folder: Path) -> Iterator[str]:
    """The registry's host, which releases name."""
    with serve_folder(registry_folder) as address:
        yield address


@pytest.fixture
def images(registry_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the service's manifests in the registry, which has the images of four releases."""
    monkeypatch.setenv("REGISTRY_INSECURE", "true")
    for name in IMAGES:
        manifests = registry_folder / "v2" / name / "manifests"
        manifests.mkdir(parents=True, exist_ok=True)
        for number in (1, 2, 3, 4):
            (manifests / digest(number)).write_text("{}")
    return registry_folder / "v2" / SERVE / "manifests"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """Versions 1 to 3 of the model; the third is champion."""
    address = tracking.empty(tmp_path)
    monkeypatch.setenv("MLFLOW_URI", address)
    client = MlflowClient(address)
    client.create_registered_model(NAME)
    for _ in range(3):
        client.create_model_version(NAME, f"file://{tmp_path}/model")
    client.set_registered_model_alias(NAME, CHAMPION, "3")
    client.set_registered_model_alias(NAME, PRODUCTION, "3")
    return client


@pytest.fixture
def cluster(images: Path, host: str, cluster_file: Path) -> Cluster:
    """Production's cluster, at release 3 with the pods of 2 and 1 still known."""
    made = Cluster(cluster_file, host)
    made.write(1, 2, 3, active=3, stable=3, current=3)
    return made


@pytest.fixture(scope="session")
def with_releases(template: Path, host: str, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository that nobody changes: main has had the releases 1, 2 and 3, one after the other."""
    made = releases.copy(template, tmp_path_factory.mktemp("with_releases"))
    for number in (1, 2, 3):
        made.release("staging", number, host=host)
        made.merge("staging", "main")
    return made


@pytest.fixture
def production(repository: Repository, with_releases: Repository, cluster: Cluster) -> Repository:
    """Main has had the releases 1, 2 and 3, one after the other."""
    repository.adopt(with_releases, "main")
    return repository
