"""The image of a Bento of the real service, built once; `OPTIONS` go to `docker build`, as for `make image`."""

import os
import shlex
from collections.abc import Iterator

import pytest

from tests import bentos
from tests.containers.docker import docker

NAME = "pr-sentinel/test"


@pytest.fixture(scope="session")
def options() -> list[str]:
    """What the engine here needs to be told."""
    return shlex.split(os.environ.get("OPTIONS", ""))


@pytest.fixture(scope="session")
def bento(tmp_path_factory: pytest.TempPathFactory) -> bentos.Bento:
    """Nobody changes it."""
    return bentos.make(tmp_path_factory.mktemp("bento"))


@pytest.fixture(scope="session")
def image(bento: bentos.Bento, options: list[str]) -> Iterator[str]:
    """The image's name; it is taken away at the end."""
    name = f"{NAME}:{bento.tag.partition(':')[2]}"
    recipe = bento.folder / "env" / "docker" / "Dockerfile"
    ours = ["--tag", name, "--file", str(recipe), "--build-arg", "VERSION=7-x", "--build-arg", "REVISION=a-commit"]
    docker("build", *ours, *options, str(bento.folder))
    yield name
    docker("image", "rm", "--force", name)
