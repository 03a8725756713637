"""The images of the steps, and of a Bento of the real service, each built once; `OPTIONS` go to `docker build`."""

import os
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.containers.docker import docker
from tests.containers.steps import GIVEN, ROOT, STEPS

if TYPE_CHECKING:
    from tests.support import bentos

NAME = "pr-sentinel/test"
LABELS = {"VERSION": "7-x", "REVISION": "a-commit", "SOURCE": "https://git.example/pr-sentinel"}


@pytest.fixture(scope="session")
def options() -> list[str]:
    """The build options for this engine."""
    return shlex.split(os.environ.get("OPTIONS", ""))


@pytest.fixture(scope="session")
def bento(tmp_path_factory: pytest.TempPathFactory) -> "bentos.Bento":
    """Nobody changes it."""
    from tests.support import bentos  # images that are given are tested without its packages

    return bentos.build(tmp_path_factory.mktemp("bento"))


@pytest.fixture(scope="session")
def image(bento: "bentos.Bento", options: list[str]) -> Iterator[str]:
    """The image's name; it is taken away at the end."""
    name = f"{NAME}:{bento.tag.partition(':')[2]}"
    recipe = bento.folder / "env" / "docker" / "Dockerfile"
    ours = ["--tag", name, "--file", str(recipe), "--build-arg", "VERSION=7-x", "--build-arg", "REVISION=a-commit"]
    docker("build", *ours, *options, str(bento.folder))
    yield name
    docker("image", "rm", "--force", name)


@pytest.fixture(scope="session")
def images(options: list[str]) -> Iterator[dict[str, str]]:
    """The names of the steps' images; they are taken away at the end, but for what the next build may use.

    Those that `IMAGES` gives are neither built nor taken away.
    """
    if GIVEN:
        yield GIVEN
        return
    names = {step: built(step, options) for step in STEPS}
    yield names
    docker("image", "rm", "--force", "--no-prune", *names.values())


@pytest.fixture(scope="session")
def checks_image(options: list[str]) -> Iterator[str]:
    """The name of the checks' image, in the same way."""
    if GIVEN:
        yield GIVEN["checks"]
        return
    name = built("checks", options)
    yield name
    docker("image", "rm", "--force", "--no-prune", name)


def built(target: str, options: list[str]) -> str:
    """Build a target of the steps' recipe; its name."""
    name = f"{NAME}-{target}:steps"
    labels = (word for name, value in LABELS.items() for word in ("--build-arg", f"{name}={value}"))
    recipe = ["--file", str(ROOT / "steps" / "Dockerfile"), "--target", target]
    docker("build", "--tag", name, *recipe, *labels, *options, str(ROOT))
    return name
