"""The commands promote and verify with images that were built and signed: the whole way, and where it ends."""

from pathlib import Path

import pytest

from release.git import Clone
from release.images import SERVE
from steps.common.errors import DataError, NotFound
from tests.integration.release.cluster import Cluster
from tests.integration.release.command import file_of, release
from tests.support import kubectl
from tests.support.image_registry import Images
from tests.support.releases import HOST, Pulls, Repository, passed

pytestmark = [kubectl.needed, pytest.mark.slow]


@pytest.fixture
def built(repository: Repository, clone: Clone, images: Images) -> str:
    """Staging holds release 2 and main release 1, with images that were built and signed; the commit of staging."""
    repository.release_built("staging", 1, images)
    repository.merge("staging", "main")
    commit = repository.release_built("staging", 2, images)
    clone.refresh()
    return commit


def test_a_promotion_shows_what_speaks_for_it_and_merges(
    repository: Repository, clone: Clone, built: str, pulls: Pulls, tmp_path: Path
) -> None:
    """Opened by the command, verified by the check, merged: main is what staging was; then there is nothing more."""
    file = file_of(passed(clone, built), tmp_path)
    done = release(repository.folder, "promote", "--analyses", file)
    assert done.returncode == 0, done.stdout + done.stderr
    (request,) = pulls.all()
    assert request["html_url"] in done.stdout
    assert (request["head"]["ref"], request["base"]["ref"]) == ("staging", "main")
    old, new = (clone.release(clone.head(name)).images[SERVE] for name in ("main", "staging"))
    digests = [reference.partition("@")[2] for reference in (old, new)]
    for shown in (built, *digests, "PrePromotion", "identity: Successful", "Version 2", "attestations"):
        assert shown in request["body"]
    assert f"-        image: {old}" in request["body"]
    assert f"+        image: {new}" in request["body"]
    pulls.control(heads={"staging": built})
    verified = release(repository.folder, "verify", str(request["number"]), "--analyses", file)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    repository.merge("staging", "main")
    clone.refresh()
    assert clone.tree(clone.head("main")) == clone.tree(built)
    again = release(repository.folder, "promote", "--analyses", file)
    assert again.returncode == DataError.exit_code
    assert "There is nothing to promote" in again.stderr


def test_only_what_argo_cd_has_brought_to_staging_is_promoted(
    repository: Repository, clone: Clone, built: str, pulls: Pulls, cluster_file: Path
) -> None:
    """Until then the analyses, though they have passed with the same image, may be of what staging was before."""
    cluster, good = Cluster(cluster_file, HOST), passed(clone, built)
    cluster.write(1, 2, active=2, stable=2, current=2)
    cluster.serve(clone.release(built).images[SERVE], 2)
    done, earlier = {"status": "Synced"}, clone.head("main")
    for sync in ({}, {"status": "OutOfSync", "revision": built}, done, done | {"revision": earlier}):
        cluster.say(sync, good)
        refused = release(repository.folder, "promote")
        assert refused.returncode == DataError.exit_code, refused.stderr
        assert "Argo CD has synced staging to" in refused.stderr
    cluster.say(None, good)
    assert release(repository.folder, "promote").returncode == NotFound.exit_code
    assert pulls.all() == []
    cluster.say(done | {"revision": built}, good)
    assert release(repository.folder, "promote").returncode == 0
    (request,) = pulls.all()
    pulls.control(heads={"staging": built})
    number = str(request["number"])
    assert release(repository.folder, "verify", number).returncode == 0
    cluster.say({"status": "OutOfSync", "revision": built}, good)
    assert "Argo CD has synced staging to no commit yet" in release(repository.folder, "verify", number).stderr


NOWHERE = {"GITHUB_REPOSITORY": "example/nowhere", "ALLOW_UNSIGNED": "true"}
"""Images of another repository are refused before GitHub is asked, unless unsigned ones are allowed."""


def test_github_s_refusal_is_reported(
    repository: Repository, clone: Clone, built: str, pulls: Pulls, tmp_path: Path
) -> None:
    """Without a trace, and without the token."""
    file = file_of(passed(clone, built), tmp_path)
    done = release(repository.folder, "promote", "--analyses", file, GITHUB_TOKEN="bad-token")  # noqa: S106
    assert done.returncode == 77
    assert "Check GITHUB_TOKEN" in done.stderr
    assert "bad-token" not in done.stdout + done.stderr
    missing = release(repository.folder, "promote", "--analyses", file, **NOWHERE)
    assert missing.returncode == 66
    assert "Check GITHUB_REPOSITORY" in missing.stderr
