"""What status calls a disagreement, and which version the alias production follows."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from steps.common.registry import CHAMPION
from tests.integration.release.cluster import Cluster
from tests.integration.release.command import release, status, succeeded
from tests.support import kubectl
from tests.support.model_versions import NAME, champion, recorded
from tests.support.releases import Pulls, Repository, digest

pytestmark = kubectl.needed


def test_a_champion_that_only_staging_has_is_no_disagreement(
    production: Repository, cluster: Cluster, registry: MlflowClient, pulls: Pulls
) -> None:
    """Until it reaches users: then the alias production follows, by a command that looks at them."""
    registry.create_model_version(NAME, "file:///none")
    registry.set_registered_model_alias(NAME, CHAMPION, "4")
    assert "the champion is version 4, but staging names 3" in status(production)[1]
    production.release("staging", 4, host=cluster.host)
    succeeded(status(production))
    production.merge("staging", "main")
    cluster.write(3, 4, active=4, stable=4, current=4)
    assert "the registry's alias production is at version 3, but users get 4" in status(production)[1]
    done = release(production.folder, "released")
    assert (done.returncode, recorded(registry), champion(registry)) == (0, "4", "4"), done.stdout
    assert registry.get_model_version(NAME, "4").tags["image_digest"] == digest(4)
    succeeded(status(production))


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
    assert (done.returncode, recorded(registry)) == (65, "3"), done.stderr
    assert words in done.stderr


def test_an_image_in_git_that_its_registry_has_deleted_is_named(
    production: Repository, cluster: Cluster, images: Path
) -> None:
    """Of any step, before a node asks for it in vain; a registry that does not respond is another matter."""
    succeeded(status(production))
    (images.parents[1] / "fetch" / "manifests" / digest(3)).unlink()
    assert f"fetch@{digest(3)}, which its registry no longer has." in status(production)[1]
    production.release("staging", 3, host="127.0.0.1:9")
    assert "They disagree: the image registry did not respond." in status(production)[1]


def test_missing_sources_differ_from_failing_ones(production: Repository, cluster: Cluster, tmp_path: Path) -> None:
    """No registry is not a disagreement; a cluster that does not answer is."""
    said = succeeded(status(production))
    assert "skipped: MLFLOW_URI is not set" in said
    cluster.path.unlink()
    code, said = status(production)
    assert code == 1
    assert "They disagree: the cluster did not respond." in said
    code, said = status(production, KUBECONFIG="", HOME=str(tmp_path))
    assert code == 1
    assert "skipped: no kubeconfig" in said
    assert "nothing can be compared" in said
