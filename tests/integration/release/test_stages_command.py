"""`python -m release stages` and `licences`, as their workflows and `make` give them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.release.command import release
from tests.support.clones import commit_all, copy_tracked
from tests.support.command_line import ROOT, clean_environment

pytestmark = pytest.mark.slow

PATH = f"{ROOT}/.tools/uv/bin:{os.environ['PATH']}"
"""A clone has no uv of its own yet."""


def stages(clone: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it on the clone, whose own code it is."""
    command = [sys.executable, "-m", "release", "stages", *options]
    return subprocess.run(
        command, cwd=clone, env=clean_environment(PATH=PATH), capture_output=True, text=True, check=False
    )


def test_stages_that_a_change_goes_into_are_listed(tmp_path: Path) -> None:
    """None of them without a change."""
    clone = copy_tracked(tmp_path / "clone")
    commit_all(clone)
    assert stages(clone, "--since", "HEAD").stdout == "none\n"
    step = clone / "steps" / "fetch" / "step.py"
    step.write_text(f"{step.read_text()}\nCHANGED = True\n")
    assert stages(clone, "--since", "HEAD").stdout == "fetch\n"
    assert json.loads(stages(clone, "--since", "HEAD", "--json").stdout) == ["fetch"]
    refused = stages(clone, "--since", "never")
    assert (refused.returncode, refused.stdout) == (66, "")
    assert "never" in refused.stderr


def test_licences_of_what_ships_are_listed(tmp_path: Path) -> None:
    """A line for each package."""
    done = release(tmp_path, "licences")
    assert done.returncode == 0, done.stderr
    listed = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert len(listed) > 100
    assert all(listed.values())
