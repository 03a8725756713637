"""The release commands as a person gives them, in a clone of the repository."""

import os
from pathlib import Path
from subprocess import CompletedProcess

from release import analysis
from release.__main__ import app
from release.analysis import Analysis
from tests.support.command_line import run_app
from tests.support.releases import Repository


def release(folder: Path, *arguments: str, **environment: str) -> CompletedProcess[str]:
    """Run `python -m release` in a folder; in this process."""
    return run_app(app, folder, arguments, os.environ | {"COLUMNS": "200", **environment})


def rollback(production: Repository, version: str = "2", **environment: str) -> tuple[int, str]:
    """Run `release rollback` in the clone of production; its exit code and what it prints."""
    done = release(production.folder, "rollback", version, **environment)
    return done.returncode, done.stdout + done.stderr


def status(production: Repository, **environment: str) -> tuple[int, str]:
    """Run `release status` there."""
    done = release(production.folder, "status", **environment)
    return done.returncode, done.stdout + done.stderr


def succeeded(run: tuple[int, str]) -> str:
    """Return what a command printed, which must have succeeded."""
    code, said = run
    assert code == 0, said
    return said


def file_of(analyses: list[Analysis], folder: Path) -> str:
    """A file that holds them."""
    path = folder / "analyses.json"
    path.write_text(analysis.dump(analyses))
    return str(path)
