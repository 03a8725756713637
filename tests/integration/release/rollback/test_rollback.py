"""Rollback: users first, then the registry, then Git; wherever it stops, a second run finishes."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.integration.release.cluster import Cluster
from tests.integration.release.command import release, rollback, status, succeeded
from tests.support import kubectl
from tests.support.model_versions import NAME, champion, recorded
from tests.support.releases import Pulls, Repository, digest

pytestmark = [kubectl.needed, pytest.mark.slow]


def test_a_rollback_goes_back_everywhere_and_status_names_each_stage(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """Users and the registry at once, Git by a pull request; after its merge the second run finishes."""
    succeeded(status(production))
    said = succeeded(rollback(production))
    assert (cluster.active, champion(registry), recorded(registry), cluster.is_held) == ("hash2", "2", "2", True)
    assert registry.get_model_version(NAME, "2").tags["image_digest"] == digest(2)
    (request,) = pulls.all()
    assert request["html_url"] in said
    code, said = status(production)
    assert code == 1
    assert "Argo CD is paused for production" in said
    assert "main names model version 3" in said
    production.merge("rollback/version-2", "main")
    succeeded(rollback(production))
    assert not cluster.is_held
    assert production.git("rev-parse", f"{production.fetched('staging')}^{{tree}}") == production.git(
        "rev-parse", f"{production.fetched('main')}^{{tree}}"
    )
    succeeded(status(production))
    before = production.head("staging"), production.head("main"), cluster.state
    succeeded(rollback(production))
    assert before == (production.head("staging"), production.head("main"), cluster.state)
    assert len(pulls.all()) == 1


def test_a_rollback_may_be_run_twice(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """Before the merge it changes nothing more, and opens no second pull request."""
    rollback(production)
    before = cluster.state, production.head("rollback/version-2")
    succeeded(rollback(production))
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
    succeeded(rollback(production))
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
    succeeded(rollback(production))
    assert len(pulls.all()) == 1


def test_a_revision_that_is_being_watched_is_aborted(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """The old one still is the stable one then."""
    cluster.write(2, 3, active=3, stable=2, current=3)
    succeeded(rollback(production))
    assert cluster.state["rollout"]["status"]["abort"] is True
    assert cluster.active == "hash2"


def test_without_a_revision_git_alone_brings_it_back(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """And it says so."""
    cluster.write(3, active=3, stable=3, current=3, argo_cd=False)
    said = succeeded(rollback(production, "1"))
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
    assert "Versions it had: 3, 2, 1." in done.stderr
    assert (cluster.state, champion(registry), pulls.all()) == (before, "3", [])


def test_what_is_no_version_is_refused_at_once(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """It reaches neither the registry nor the cluster."""
    before = cluster.state
    for version in ("0", "", "two", "-1", "2.0", "unreleased"):
        done = release(production.folder, "rollback", "--", version)
        assert done.returncode == 78, (version, done.stdout + done.stderr)
        assert "is not a model version" in done.stderr
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
