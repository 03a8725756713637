"""Other versions of Python on this machine, and uv."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.command_line import ROOT

SUPPORTED = ("3.11", "3.12", "3.13")
_UV = Path(".tools/uv/bin/uv")
UV = (ROOT / _UV).resolve()


def link_uv(folder: Path) -> None:
    """Give a checkout this project's uv, where `make` would install it."""
    link = folder / _UV
    link.parent.mkdir(parents=True)
    link.symlink_to(UV)


def find_python(version: str) -> str | None:
    """Return the path of a Python of a version such as 3.12 where a person would have it, None if there is none."""
    return next((path for path in _list_candidates(version) if _answers(path, version)), None)


def _list_candidates(version: str) -> Iterator[str]:
    """Yield what is on the PATH, then pyenv's and uv's own."""
    if on_path := shutil.which(f"python{version}"):
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))
    command = [str(UV), "python", "find", "--managed-python", "--no-python-downloads", version]
    yield from subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def _answers(path: str, version: str) -> bool:
    command = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == version
