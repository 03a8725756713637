"""The first run of a new user, from the packages to a model, with another Python than that of the tests."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clones import copy_tracked
from tests.support.command_line import clean_environment
from tests.support.interpreters import SUPPORTED, find_python

OWN = "{}.{}".format(*sys.version_info)
VERSION = next(version for version in SUPPORTED[1:] if version != OWN)
"""The others have a run of their own every night."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone in which nothing is set up; its packages, some GB, go with the tests."""
    folder = copy_tracked(tmp_path_factory.mktemp("first") / "clone")
    yield folder
    shutil.rmtree(folder)


def make(clone: Path, *words: str) -> str:
    """Run make in the clone with that Python, whose packages may be in the cache of uv, and return the output."""
    python = find_python(VERSION)
    if python is None:
        pytest.skip(f"this machine has no Python {VERSION}: neither on the PATH nor of pyenv nor of uv")
    environment = clean_environment(COLUMNS="160")
    environment.pop("VIRTUAL_ENV", None)
    command = ["make", *words, f"PYTHON={python}"]
    made = subprocess.run(
        command, cwd=clone, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert made.returncode == 0, made.stdout
    return made.stdout


def test_another_python_that_is_supported_gets_all_packages(clone: Path) -> None:
    """And is that of the environment."""
    make(clone)
    own = [str(clone / ".venv/bin/python"), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    assert subprocess.run(own, capture_output=True, text=True, check=True).stdout.strip() == VERSION


def test_a_first_run_with_it_gives_a_model(clone: Path) -> None:
    """From the samples to a champion."""
    assert "Model: accepted, version 1." in make(clone, "run")
