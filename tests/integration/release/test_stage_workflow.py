"""What stage.yml does with an image, run from the file itself against a registry and a Git server."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from release import image_registry
from release.git import STAGING, Clone
from release.settings import ImageSettings
from steps.common.settings import load
from tests.support import actions
from tests.support.image_registry import Images
from tests.support.releases import NAME, Repository

IMAGE = "pr-sentinel/checks"
Job = Callable[..., actions.Result]


@pytest.fixture
def docker(images: Images, tmp_path: Path) -> Path:
    """A fake docker, which notes its arguments in this file, and succeeds unless the image is to fail its test."""
    program, log = tmp_path / "programs" / "docker", tmp_path / "docker.log"
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\n[ "$1" != run ] || [ ! -e {log}.fails ]\n')
    program.chmod(0o755)
    return log


@pytest.fixture
def job(
    repository: Repository, images: Images, machine: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], actions.Result]:
    """Run the job that builds an image, of the branch as it is, with a plan that has attestations or none."""
    commit = repository.head(STAGING)
    for name, value in {"SHA": commit, "REF": f"refs/heads/{STAGING}"}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    digest = images.publish(IMAGE, commit).rpartition("@")[2]
    contexts: dict[str, Any] = {
        "github": {"repository": NAME, "server_url": os.environ["SERVER"], "sha": commit, "token": "a-token"},
        "secrets": {"REGISTRY_USERNAME": "user", "REGISTRY_PASSWORD": "password"},
        "needs": {"changed": {"outputs": {"images": '["checks"]'}}},
        "matrix": {"image": "checks"},
    }
    folder = machine(is_ready=True)

    def run(attestations: str) -> actions.Result:
        named = {"REGISTRY": images.host, "REGISTRY_NAMESPACE": "pr-sentinel", "ATTESTATIONS": attestations}
        built = {"docker/build-push-action": {"digest": digest}}
        found = contexts | {"vars": named}
        return actions.run_job(actions.read("stage.yml")["jobs"]["image"], found, folder, os.environ, outputs_of=built)

    return run


def test_an_image_goes_from_its_build_into_git(
    job: Callable[[str], actions.Result], repository: Repository, clone: Clone, images: Images, docker: Path
) -> None:
    """Tested, signed, attested where the plan allows it, tagged, and named; one that fails its test is not signed."""
    head = repository.head(STAGING)
    fails = docker.with_name("docker.log.fails")
    fails.touch()
    assert job("").conclusion == "failure"
    assert (repository.head(STAGING), "actions/attest" in job("").actions) == (head, False)
    fails.unlink()
    done = job("")
    assert done.conclusion == "success", done.output
    clone.refresh()
    (reference,) = clone.release(clone.head(STAGING)).images.values()
    place, _, digest = reference.partition("@")
    assert place == f"{images.host}/{IMAGE}"
    assert docker.read_text().splitlines()[-2:] == [
        f"pull --quiet {reference}",
        f"run --rm --read-only --tmpfs /tmp {reference} python -m rollouts.checks --help",
    ]
    assert done.actions["actions/attest"] == {
        "subject-name": place,
        "subject-digest": digest,
        "push-to-registry": "True",
    }
    build = done.actions["docker/build-push-action"]
    assert (build["file"], build["target"], build["context"]) == ("steps/Dockerfile", "checks", ".")
    assert f"REVISION={head}" in build["build-args"].split()
    images.clean_up()
    image_registry.check_image(reference, load(ImageSettings))
    again = job("none")
    assert (again.conclusion, "actions/attest" in again.actions) == ("success", False), again.output
