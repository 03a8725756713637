"""Rollback and status: users first, then the registry, then Git; wherever it stops, a second run finishes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from release.images import IMAGES, SERVE
from steps.common.registry import CHAMPION, PRODUCTION
from tests.integration.release.cluster import Cluster
from tests.integration.release.command import release
from tests.support import kubectl, releases, tracking
from tests.support.image_registry import serve_folder
from tests.support.releases import Pulls, Repository, digest

pytestmark = kubectl.needed

NAME = "pr-sentinel"


@pytest.fixture(scope="module")
def registry_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an images' registry."""
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
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


def champion(registry: MlflowClient) -> str:
    return str(registry.get_model_version_by_alias(NAME, CHAMPION).version)


def recorded(registry: MlflowClient) -> str:
    return str(registry.get_model_version_by_alias(NAME, PRODUCTION).version)


@pytest.fixture
def cluster(images: Path, host: str, cluster_file: Path) -> Cluster:
    """Production's cluster, at release 3 with the pods of 2 and 1 still known."""
    made = Cluster(cluster_file, host)
    made.write(1, 2, 3, active=3, stable=3, current=3)
    return made


@pytest.fixture(scope="module")
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


def rollback(production: Repository, version: str = "2", **environment: str) -> tuple[int, str]:
    done = release(production.folder, "rollback", version, **environment)
    return done.returncode, done.stdout


def status(production: Repository, **environment: str) -> tuple[int, str]:
    done = release(production.folder, "status", **environment)
    return done.returncode, done.stdout


def test_a_rollback_goes_back_everywhere_and_status_names_each_stage(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """Users and the registry at once, Git by a pull request; after its merge the second run finishes."""
    assert status(production)[0] == 0
    code, said = rollback(production)
    assert code == 0, said
    assert (cluster.active, champion(registry), recorded(registry), cluster.is_held) == ("hash2", "2", "2", True)
    assert registry.get_model_version(NAME, "2").tags["image_digest"] == digest(2)
    (request,) = pulls.all()
    assert request["html_url"] in said
    code, said = status(production)
    assert code == 1
    assert "Argo CD is paused for production" in said
    assert "main names model version 3" in said
    production.merge("rollback/version-2", "main")
    code, said = rollback(production)
    assert code == 0, said
    assert not cluster.is_held
    assert production.git("rev-parse", f"{production.fetched('staging')}^{{tree}}") == production.git(
        "rev-parse", f"{production.fetched('main')}^{{tree}}"
    )
    assert status(production)[0] == 0
    before = production.head("staging"), production.head("main"), cluster.state
    assert rollback(production)[0] == 0
    assert before == (production.head("staging"), production.head("main"), cluster.state)
    assert len(pulls.all()) == 1


def test_a_champion_that_only_staging_has_is_no_disagreement(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """Until it reaches users: then the alias production follows, by a command that looks at them."""
    registry.create_model_version(NAME, "file:///none")
    registry.set_registered_model_alias(NAME, CHAMPION, "4")
    assert "the champion is version 4, but staging names 3" in status(production)[1]
    production.release("staging", 4, host=cluster.host)
    assert status(production)[0] == 0
    production.merge("staging", "main")
    cluster.write(3, 4, active=4, stable=4, current=4)
    assert "the registry's alias production is at version 3, but users get 4" in status(production)[1]
    done = release(production.folder, "released")
    assert (done.returncode, recorded(registry), champion(registry)) == (0, "4", "4"), done.stdout
    assert registry.get_model_version(NAME, "4").tags["image_digest"] == digest(4)
    assert status(production)[0] == 0


@pytest.mark.parametrize(
    ("stands", "words"),
    [
        ((3, 3), "main names version 4, but users get version 3"),
        ((4, 3), "its live metrics have not passed yet"),
        ((3, 4), "main names version 4, but users get version 3"),
    ],
)
def test_the_alias_production_does_not_follow_what_has_not_passed(
    stands: tuple[int, int], words: str, production: Repository, cluster: Cluster, registry: MlflowClient
) -> None:
    """A preview, a revision that is being watched, or another one than Git names."""
    registry.create_model_version(NAME, "file:///none")
    production.release("staging", 4, host=cluster.host)
    production.merge("staging", "main")
    cluster.write(3, 4, active=stands[0], stable=stands[1], current=4)
    done = release(production.folder, "released")
    assert (done.returncode, recorded(registry)) == (65, "3"), done.stdout
    assert words in done.stdout


def test_a_rollback_may_be_run_twice(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """Before the merge it changes nothing more, and opens no second pull request."""
    rollback(production)
    before = cluster.state, production.head("rollback/version-2")
    assert rollback(production)[0] == 0
    assert before == (cluster.state, production.head("rollback/version-2"))
    assert len(pulls.all()) == 1


def test_only_the_serving_image_and_its_model_go_back(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """The steps' images, and all else that main has, stay."""
    rollback(production)
    head, main = production.fetched("rollback/version-2"), production.fetched("main")
    assert production.git("diff", "--name-only", main, head).split() == [
        "gitops/base/images/kustomization.yaml",
        "rollouts/model.yaml",
    ]
    changes = production.git("diff", "--unified=0", main, head, "--", "gitops").splitlines()
    assert [line[1:].strip() for line in changes if line.startswith(("- ", "+ "))] == [
        f"digest: {digest(3)}",
        f"digest: {digest(2)}",
    ]


@pytest.mark.parametrize("refused", ["annotate", "/spec/template", "promoteFull"])
def test_a_cluster_that_fails_in_the_middle_is_named_and_a_rerun_finishes(
    refused: str, production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """The registry and Git are not touched before users have the old version."""
    code, said = rollback(production, REFUSE=refused)
    assert code == 75, said
    assert (champion(registry), pulls.all()) == ("3", [])
    if refused != "annotate":
        assert status(production)[0] == 1
    assert rollback(production)[0] == 0
    assert (cluster.active, champion(registry), len(pulls.all())) == ("hash2", "2", 1)


def test_a_git_hub_that_fails_at_the_end_is_named_and_a_rerun_finishes(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """Users have the old version by then."""
    code, said = rollback(production, GITHUB_TOKEN="bad-token")  # noqa: S106
    assert code == 77, said
    assert (cluster.active, champion(registry), pulls.all()) == ("hash2", "2", [])
    code, said = status(production)
    assert code == 1
    assert "main names" in said
    assert rollback(production)[0] == 0
    assert len(pulls.all()) == 1


def test_a_revision_that_is_being_watched_is_aborted(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """The old one still is the stable one then."""
    cluster.write(2, 3, active=3, stable=2, current=3)
    assert rollback(production)[0] == 0
    assert cluster.state["rollout"]["status"]["abort"] is True
    assert cluster.active == "hash2"


def test_without_a_revision_git_alone_brings_it_back(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """And it says so."""
    cluster.write(3, active=3, stable=3, current=3, argo_cd=False)
    code, said = rollback(production, "1")
    assert code == 0, said
    assert "merging the pull request brings it back" in said
    assert cluster.active == "hash3"
    assert len(pulls.all()) == 1


def test_a_version_that_production_never_had_is_refused(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """Whatever else knows it; nothing is touched, and those that there are are named."""
    before = cluster.state
    done = release(production.folder, "rollback", "--", "9")
    assert done.returncode == 66, done.stdout + done.stderr
    assert "Versions it had: 3, 2, 1." in done.stdout
    assert (cluster.state, champion(registry), pulls.all()) == (before, "3", [])


def test_what_is_no_version_is_refused_at_once(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """It reaches neither the registry nor the cluster."""
    before = cluster.state
    for version in ("0", "", "two", "-1", "2.0", "unreleased"):
        done = release(production.folder, "rollback", "--", version)
        assert done.returncode == 78, (version, done.stdout + done.stderr)
        assert "is not a model version" in done.stdout
        assert (cluster.state, champion(registry), pulls.all()) == (before, "3", [])


def test_a_version_whose_image_is_gone_is_refused(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls, images: Path
) -> None:
    """Before anything is touched."""
    before = cluster.state
    (images / digest(2)).unlink()
    code, said = rollback(production)
    assert code == 66
    assert "is no longer in the registry" in said
    assert (cluster.state, champion(registry), pulls.all()) == (before, "3", [])


def test_a_version_that_the_registry_lacks_is_refused(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """Before anything is touched."""
    before = cluster.state
    registry.delete_model_version(NAME, "2")
    code, said = rollback(production)
    assert code == 66
    assert "The registry no longer has version 2" in said
    assert (cluster.state, pulls.all()) == (before, [])


def test_an_image_in_git_that_its_registry_has_deleted_is_named(
    production: Repository, cluster: Cluster, images: Path
) -> None:
    """Of any step, before a node asks for it in vain; a registry that does not respond is another matter."""
    assert status(production)[0] == 0
    (images.parents[1] / "fetch" / "manifests" / digest(3)).unlink()
    assert f"fetch@{digest(3)}, which its registry no longer has." in status(production)[1]
    production.release("staging", 3, host="127.0.0.1:9")
    assert "They disagree: the image registry did not respond." in status(production)[1]


def test_missing_sources_differ_from_failing_ones(production: Repository, cluster: Cluster, tmp_path: Path) -> None:
    """No registry is not a disagreement; a cluster that does not answer is."""
    code, said = status(production)
    assert code == 0, said
    assert "skipped: MLFLOW_URI is not set" in said
    cluster.path.unlink()
    code, said = status(production)
    assert code == 1
    assert "They disagree: the cluster did not respond." in said
    code, said = status(production, KUBECONFIG="", HOME=str(tmp_path))
    assert code == 1
    assert "skipped: no kubeconfig" in said
    assert "nothing can be compared" in said
