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

pytestmark = pytest.mark.slow


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A clone in which nothing is set up; its packages, some GB, go with the test."""
    folder = copy_tracked(tmp_path / "clone")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("version", [version for version in SUPPORTED if version != OWN])
def test_a_new_user_gets_a_model_with_any_python_that_is_supported(clone: Path, version: str) -> None:
    """The packages are those of uv's cache, where it has them."""
    python = find_python(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}: neither on the PATH nor of pyenv nor of uv")
    command = ["make", "run", f"PYTHON={python}"]
    environment = clean_environment(COLUMNS="160")
    environment.pop("VIRTUAL_ENV", None)
    made = subprocess.run(
        command, cwd=clone, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert made.returncode == 0, made.stdout
    assert "Model: accepted, version 1." in made.stdout
    own = [str(clone / ".venv/bin/python"), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    assert subprocess.run(own, capture_output=True, text=True, check=True).stdout.strip() == version
