"""A copy of infra/, in which a test puts a defect."""

import shutil
from pathlib import Path

import pytest

from infra.checks import modules, program, run
from infra.overlay import CLOUDS

needs_program = pytest.mark.skipif(not program.find(), reason="neither tofu nor terraform is on the PATH")


def copy_infra(folder: Path) -> Path:
    """Copy it below a folder and return the copy."""
    shutil.copytree(run.INFRA, folder / "infra", ignore=modules.STATE_IS_LEFT_OUT)
    return folder / "infra"


def plant(infra: Path, path: str, old: str, new: str) -> str:
    """Change one place of a file and return the cloud whose root has it."""
    content = (infra / path).read_text("utf-8")
    assert old in content
    (infra / path).write_text(content.replace(old, new, 1), "utf-8")
    return path.removeprefix("modules/").partition("/")[0]


def keep_root(infra: Path, cloud: str) -> None:
    """Remove the roots of the other clouds, which would take time."""
    for other in set(CLOUDS) - {cloud}:
        shutil.rmtree(infra / other)
