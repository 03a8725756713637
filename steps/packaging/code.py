"""Copies the code that some modules need into a folder: `python -m steps.packaging.code FOLDER MODULE...`.

The steps' images are made with it. Every file has the same date there, so that the same code makes the same layer.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from steps.common.closure import ROOT, find_sources


def put(folder: Path, modules: Iterable[str]) -> None:
    """Copy the modules and all of ours that they import, and import each from there: that shows whether any is missing.

    Raises:
        FileNotFoundError: there is no such module.
        CalledProcessError: one can't be imported.
    """
    needed = [path.relative_to(ROOT) for path in find_sources(ROOT, modules)]
    for path in needed:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    _undate(folder)  # bytecode holds the date of its source
    names = ", ".join(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in needed)
    written = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", f"import {names}"]
    subprocess.run(command, cwd=folder, env=written, check=True)  # noqa: S603  all of it is ours
    _undate(folder)


def _undate(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (0, 0))


if __name__ == "__main__":
    put(Path(sys.argv[1]), sys.argv[2:])
