"""What `make` sets up: in a folder of any name, with the Python asked for, and again where the clone has moved."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.interpreters import SUPPORTED, UV, link_uv

ROOT = Path(__file__).parents[2]
PROJECT = '[project]\nname = "tiny"\nversion = "1"\nrequires-python = ">=3.11"\n'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with the project's Makefile and no packages to install."""
    folder = tmp_path / "C# & 100 % größe"
    for name in ("Makefile", ".ci/environment", ".ci/uv.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "pyproject.toml").write_text(PROJECT)
    link_uv(folder)
    os.utime(folder / ".ci/uv.txt", (0, 0))
    subprocess.run([UV, "lock", "--offline", "--quiet"], cwd=folder, check=True)
    return folder


def make(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make with a Python that is named as a person would."""
    environment = os.environ | {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(folder.parent / "cache")} | variables
    environment.pop("PYTHON", None)
    return subprocess.run(
        ["make", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
    )


def find_prefix(folder: Path) -> str:
    """The folder of the environment, as its Python sees it."""
    command = [str(folder / ".venv/bin/python"), "-c", "import sys; print(sys.prefix)"]
    return subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8").stdout.strip()


def test_a_folder_may_have_any_name_and_move(clone: Path) -> None:
    """The environment works in its new place as it is; nothing is installed again."""
    made = make(clone, f"PYTHON={sys.executable}")
    assert made.returncode == 0, made.stderr
    assert find_prefix(clone) == str(clone / ".venv")
    moved = clone.rename(clone.with_name("elsewhere"))
    again = make(moved)
    assert (again.returncode, "up again" in again.stdout) == (0, False)
    assert find_prefix(moved) == str(moved / ".venv")


def test_an_environment_that_another_folder_made_is_set_up_again(clone: Path) -> None:
    """Its commands would start the Python of the other folder."""
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, clone / ".venv"], check=True)
    (clone / ".venv/.ready").touch()
    moved = clone.rename(clone.with_name("else where"))
    made = make(moved, f"PYTHON={sys.executable}")
    assert made.returncode == 0, made.stderr
    assert f"was made in {clone}/.venv; setting it up again" in made.stdout
    assert "setting it up again" not in make(moved).stdout


def test_an_environment_whose_python_is_gone_is_set_up_again(clone: Path) -> None:
    """An upgrade of the system has replaced it."""
    assert make(clone, f"PYTHON={sys.executable}").returncode == 0
    (clone / ".venv/bin/python").unlink()
    (clone / ".venv/bin/python").symlink_to("/nowhere/python3.10")
    assert "has lost its Python" in make(clone, f"PYTHON={sys.executable}").stdout
    assert find_prefix(clone) == str(clone / ".venv")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "There is no Python at"),
        ("echo 2.7", "is Python 2.7"),
        ("echo 3.10", "is Python 3.10"),
        ("echo 3.15", "is Python 3.15"),
        ("echo 3.12 PyPy", "is Python 3.12 PyPy"),
        ("echo 3.13 free-threaded", "is Python 3.13 free-threaded"),
        # pyenv/pyenv#2925
        (
            "echo 'pyenv: python3.12: command not found' >&2; exit 127",
            "not start (pyenv: python3.12: command not found)",
        ),
    ],
)
def test_a_wrong_python_is_named_at_once_with_those_that_are_supported(
    clone: Path, answer: str | None, words: str
) -> None:
    """Nothing has been installed before."""
    python = clone / "python"
    if answer:
        python.write_text(f"#!/bin/sh\n{answer}\n")
        python.chmod(0o755)
    made = make(clone, f"PYTHON={python}")
    assert made.returncode != 0
    assert words in made.stderr
    assert "3.11 to 3.13" in made.stderr
    assert not (clone / ".venv").exists()


def test_the_supported_versions_are_the_same_everywhere() -> None:
    """The nightly run tries those that no other run has."""
    oldest, newest = (version.removeprefix("3.") for version in (SUPPORTED[0], SUPPORTED[-1]))
    script, project = (ROOT / ".ci/environment").read_text(), (ROOT / "pyproject.toml").read_text()
    assert f"OLDEST={oldest} NEWEST={newest}" in script
    assert f'requires-python = ">=3.{oldest},<3.{int(newest) + 1}"' in project
    nightly = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text("utf-8"))["jobs"]
    assert nightly["pythons"]["strategy"]["matrix"]["python"] == list(SUPPORTED[1:])
    assert nightly["slow"]["steps"][1]["with"]["python-version"] == SUPPORTED[0]
