"""Copy the code that some modules need into a folder: `python -m steps.packaging.code FOLDER MODULE...`.

The steps' images are built with it. Every file gets the same date, so that the same code makes the same layer.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from steps.common.closure import ROOT, find_sources


def copy_code(folder: Path, modules: Iterable[str]) -> None:
    """Copy modules and the project's modules that they import, then import each copy to prove that none is missing.

    Raises:
        FileNotFoundError: a module does not exist.
        CalledProcessError: one can't be imported.
    """
    needed = [path.relative_to(ROOT) for path in find_sources(ROOT, modules)]
    for path in needed:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    _reset_dates(folder)  # bytecode holds the date of its source
    names = ", ".join(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in needed)
    written = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", f"import {names}"]
    subprocess.run(command, cwd=folder, env=written, check=True)  # noqa: S603  the command is ours
    _reset_dates(folder)


def _reset_dates(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (0, 0))


if __name__ == "__main__":
    copy_code(Path(sys.argv[1]), sys.argv[2:])
