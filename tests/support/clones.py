"""Clones of this project, as a new user has them."""

import shutil
import subprocess
from pathlib import Path

from tests.support.command_line import ROOT


def copy_tracked(folder: Path) -> Path:
    """Copy what Git tracks, as it is here, into a new folder, and return that."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def commit_all(folder: Path) -> None:
    """Make a repository of a folder, with one commit of all that is in it, by nobody whom Git knows here."""
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    for command in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "--message", "A checkout")):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
