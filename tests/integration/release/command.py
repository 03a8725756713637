"""The release commands as a person gives them, in a clone of the repository."""

import contextlib
from pathlib import Path
from subprocess import CompletedProcess

from typer.testing import CliRunner

from release import analysis
from release.__main__ import app
from release.analysis import Analysis


def release(folder: Path, *arguments: str, **environment: str) -> CompletedProcess[str]:
    """Run `python -m release` in a folder; in this process, which has imported all that it needs."""
    with contextlib.chdir(folder):
        result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200", **environment})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return CompletedProcess(arguments, result.exit_code, result.output, "")


def file_of(analyses: list[Analysis], folder: Path) -> str:
    """A file that holds them."""
    path = folder / "analyses.json"
    path.write_text(analysis.dump(analyses))
    return str(path)
