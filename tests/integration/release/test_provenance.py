"""Images whose provenance decides: who built and signed them, from which commit, and with which sources."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from release import provenance, stages
from release.git import Clone
from release.images import SERVE
from release.settings import ImageSettings, SignerSettings
from steps.common.errors import DataError, NotFound
from steps.common.registry import CHAMPION
from steps.common.settings import load
from tests.integration.release.command import release
from tests.support import actions, tracking
from tests.support.image_registry import Images
from tests.support.releases import NAME, Repository, model

FETCH = "pr-sentinel/fetch"


@pytest.fixture
def released(repository: Repository, images: Images) -> str:
    """Staging with all images built from its sources, and signed; its commit."""
    return repository.release_built("staging", 1, images)


def objections(clone: Clone, reference: str = "", name: str = FETCH) -> list[str]:
    """What speaks against staging's release, or against one image."""
    clone.refresh()
    head = clone.head("staging")
    found = clone.release(head)
    given = load(ImageSettings), load(SignerSettings)
    if not reference:
        return provenance.find_objections(clone, head, found, *given)
    try:
        provenance.verify(clone, head, name, reference, *given)
    except (DataError, NotFound) as error:
        return [error.problem]
    return []


def change(repository: Repository, path: str, branch: str = "staging") -> str:
    """Push a branch with one more line in a file; its commit."""
    repository.git("fetch", "--quiet", "origin")
    repository.git("checkout", "--quiet", "-B", branch, f"origin/{branch}" if repository.head(branch) else "HEAD")
    with (repository.folder / path).open("a") as file:
        file.write("# one line more\n")
    return repository.push(branch, f"change {path}")


def outdated(repository: Repository, **environment: str) -> list[str]:
    done = release(repository.folder, "outdated", "--json", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return list(json.loads(done.stdout))


def test_images_that_stage_yml_built_on_staging_pass(clone: Clone, released: str) -> None:
    """From a commit of the branch, with equal sources."""
    assert objections(clone) == []


OTHERS: dict[str, dict[str, str]] = {
    "another workflow": {
        "certificate-identity": f"https://github.com/{NAME}/.github/workflows/ci.yml@refs/heads/staging"
    },
    "another branch": {"certificate-github-workflow-ref": "refs/heads/feature"},
    "another repository": {"certificate-github-workflow-repository": "somebody/webshop"},
    "another commit": {"certificate-github-workflow-sha": "f" * 40},
    "another issuer": {"certificate-oidc-issuer": "https://issuer.example"},
}


def test_other_signatures_and_none_are_refused(clone: Clone, released: str, images: Images) -> None:
    """Each in itself."""
    reference = images.publish(FETCH, released, 7)
    words = f"it is not signed by .github/workflows/stage.yml on staging at {released}."
    assert objections(clone, reference) == [words]
    for other in OTHERS.values():
        images.sign(reference, released, **other)
        assert objections(clone, reference) == [words]
    images.sign(reference, released)
    assert objections(clone, reference) == []


def test_commits_that_staging_does_not_have_are_refused(
    repository: Repository, clone: Clone, released: str, images: Images
) -> None:
    """Of a branch that was never merged, of nowhere, and none; however well they are signed."""
    for commit in (change(repository, "README", "feature"), "e" * 40, "unknown", ""):
        reference = images.publish(FETCH, commit)
        images.sign(reference, commit)
        assert any("staging does not contain" in one for one in objections(clone, reference))


def test_images_under_another_name_gone_or_exchanged_are_refused(clone: Clone, released: str, images: Images) -> None:
    """A signature is of a digest; the registry's answers are compared with it."""
    train = images.publish("pr-sentinel/train", released)
    images.sign(train, released)
    assert any("is not an image of that name" in one for one in objections(clone, train))
    reference = images.publish(FETCH, released, 8)
    images.sign(reference, released)
    images.file_of(reference).write_text(images.file_of(train).read_text() + " ")
    assert any("returned something else" in one for one in objections(clone, reference))
    images.file_of(reference).unlink()
    assert any("no longer in the registry" in one for one in objections(clone, reference))


def test_an_image_that_is_older_than_its_sources_is_an_objection(
    repository: Repository, clone: Clone, released: str
) -> None:
    """Until it is built again; what goes into no image changes nothing."""
    change(repository, "README")
    assert objections(clone) == []
    change(repository, "steps/fetch/__init__.py")
    assert objections(clone) == ["pr-sentinel/fetch is older than its sources"]


@pytest.mark.slow
def test_a_build_that_was_lost_is_made_up_for(
    repository: Repository, clone: Clone, released: str, machine: Callable[..., Path]
) -> None:
    """A run that failed, or was superseded, left an older image; the next push has nothing to do with it."""
    lost = change(repository, "steps/fetch/__init__.py")
    head = change(repository, "README")
    clone.refresh()
    with clone.checkout(lost) as before, clone.checkout(head) as after:
        assert stages.find_changed(before, after) == [], "the last push alone does not tell"
    assert outdated(repository) == ["fetch"]
    github = {"event_name": "push", "event": {"before": lost}, "ref": "refs/heads/staging", "repository": NAME}
    github |= {"server_url": os.environ["SERVER"], "sha": head}
    contexts = {"github": github, "inputs": {"images": "fetch"}, "secrets": {}, "vars": {}}
    folder = machine(is_ready=True)
    done = actions.run_job(actions.read("stage.yml")["jobs"]["changed"], contexts, folder, os.environ, only="changed")
    assert done.conclusion == "success", done.output
    assert 'images=["fetch"]' in done.output


@pytest.mark.slow
def test_a_champion_whose_request_was_dropped_is_made_up_for(
    repository: Repository, released: str, tmp_path: Path
) -> None:
    """The image in Git is of another version."""
    address = tracking.empty(tmp_path)
    client = MlflowClient(address)
    client.create_registered_model("pr-sentinel")
    for _ in range(2):
        client.create_model_version("pr-sentinel", f"file://{tmp_path}/model")
    client.set_registered_model_alias("pr-sentinel", CHAMPION, "1")
    assert outdated(repository, MLFLOW_URI=address) == []
    client.set_registered_model_alias("pr-sentinel", CHAMPION, "2")
    assert outdated(repository, MLFLOW_URI=address) == ["serve"]


def test_set_digest_refuses_what_is_not_signed(repository: Repository, released: str, images: Images) -> None:
    """And takes it once it is."""
    reference = images.publish(SERVE, released, 9)
    given = ("set-digest", SERVE, reference, "--model-digest", model(2).digest, "--model-version", "2")
    assert release(repository.folder, *given).returncode == 65
    assert repository.head("staging") == released
    images.sign(reference, released)
    assert release(repository.folder, *given).returncode == 0
    assert repository.head("staging") != released
