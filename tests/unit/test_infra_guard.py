"""Data is destroyed by two commands, never by one: the guard is applied for real, because it needs no provider."""

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.checks import program, run

pytestmark = pytest.mark.skipif(not program.find(), reason="neither tofu nor terraform is on the PATH")


@pytest.fixture
def guard(tmp_path: Path) -> Path:
    shutil.copytree(run.INFRA / "modules" / "guard", tmp_path / "guard")
    execute(tmp_path / "guard", "init")
    return tmp_path / "guard"


def execute(folder: Path, command: str, flag: str = "false") -> subprocess.CompletedProcess[str]:
    """Run a command of the guard's module."""
    variables = [f"-var=destroy_data={flag}", "-var=guards=pr-sentinel-test"]
    return program.run(folder, command, "-input=false", *([] if command == "init" else ["-auto-approve", *variables]))


def test_destroying_is_refused_until_the_flag_has_been_applied(guard: Path) -> None:
    """A flag that is only given to `destroy` does not count: the guard knows what was applied."""
    assert execute(guard, "apply").returncode == 0
    refused = execute(guard, "destroy", "true")
    assert refused.returncode == 1
    assert "pr-sentinel-test has data: apply with destroy_data=true first." in refused.stdout + refused.stderr
    assert execute(guard, "apply", "true").returncode == 0
    assert execute(guard, "destroy").returncode == 0
