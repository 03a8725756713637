"""Writing digests into staging, on a real Git server."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from release import git, image_pins, image_registry
from release.git import STAGING, Clone
from release.images import IMAGES, SERVE
from release.settings import GitSettings, ImageSettings
from steps.common.errors import NotFound
from steps.common.settings import load
from tests.integration.release.command import release
from tests.support.image_registry import Images
from tests.support.releases import Repository, digest, model


def write(image: str, number: int) -> bool:
    """As the command does."""
    named = model(number) if image == SERVE else None
    with git.clone(load(GitSettings)) as clone:
        reference = f"registry.example/{image}@{digest(number)}"
        return clone.push_with_retry(STAGING, lambda head: image_pins.commit_pin(clone, head, image, reference, named))


def test_the_command_writes_an_image_and_its_model_once(repository: Repository, clone: Clone, images: Images) -> None:
    """Not before the image has its own tag, which a clean-up spares; a second time nothing is pushed."""
    built_from = repository.head(STAGING)
    reference, unreleased = (images.publish(SERVE, built_from, number) for number in (1, 2))
    images.sign(reference, built_from)
    command = ("set-digest", SERVE, reference, "--model-digest", model(4).digest, "--model-version", "4")
    tag = images.file_of(f"{reference.partition('@')[0]}@release-{reference.rpartition(':')[2]}")
    tag.write_bytes(images.file_of(unreleased).read_bytes())
    assert release(repository.folder, *command).returncode == 65
    assert repository.head(STAGING) == built_from
    tag.unlink()
    done = release(repository.folder, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    head = repository.head(STAGING)
    clone.refresh()
    assert clone.release(head).images == {SERVE: reference}
    assert clone.release(head).model == model(4)
    assert release(repository.folder, *command).returncode == 0
    assert repository.head(STAGING) == head
    assert repository.head("main") != head
    images.clean_up()
    image_registry.check_image(reference, load(ImageSettings))
    with pytest.raises(NotFound):
        image_registry.check_image(unreleased, load(ImageSettings))


def test_an_invalid_reference_is_refused_before_git_is_used(repository: Repository) -> None:
    """With the exit code of a wrong setting."""
    head = repository.head(STAGING)
    for arguments in ((SERVE, "registry.example/a:1"), ("other", f"registry.example/a@{digest(1)}")):
        done = release(repository.folder, "set-digest", *arguments, GIT_REMOTE="http://127.0.0.1:1/none")
        assert done.returncode == 78, done.stdout + done.stderr
    assert repository.head(STAGING) == head


@pytest.mark.slow
def test_all_who_write_at_once_are_heard(repository: Repository, clone: Clone) -> None:
    """The slower one retries on top of the quicker one's push; no digest is lost."""
    with ThreadPoolExecutor(len(IMAGES)) as threads:
        assert all(threads.map(lambda image: write(image, 5), IMAGES))
    clone.refresh()
    release = clone.release(clone.head(STAGING))
    assert release.images == {image: f"registry.example/{image}@{digest(5)}" for image in IMAGES}
    assert release.model == model(5)


def test_a_server_that_rejects_pushes_is_reported(repository: Repository) -> None:
    """Not as somebody else's having been quicker."""
    done = release(
        repository.folder,
        "set-digest",
        IMAGES[0],
        f"registry.example/a@{digest(1)}",
        GIT_REMOTE="http://127.0.0.1:1/none",
    )
    assert done.returncode == 75
    assert "git clone failed" in done.stderr
