"""The launcher `pr-sentinel`, which runs the project's commands from any folder."""

import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import ROOT


def run_command(command: list[str | Path], folder: Path) -> tuple[int, str, str]:
    """Run a command in a folder and return its exit code and output."""
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def write_project(folder: Path, python: str) -> Path:
    """Write the launcher beside an environment whose Python is a shell script, and return the launcher."""
    stub = folder / ".venv" / "bin" / "python"
    stub.parent.mkdir(parents=True)
    stub.write_text(f"#!/bin/sh\n{python}\n")
    launcher = folder / "pr-sentinel"
    launcher.write_bytes((ROOT / "pr-sentinel").read_bytes())
    for path in (stub, launcher):
        path.chmod(0o755)
    return launcher


def test_the_command_runs_from_any_folder_with_the_project_as_its_place(tmp_path: Path) -> None:
    """Its arguments come through as they are; a link to it does as well."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link").symlink_to(write_project(project, """pwd\nprintf "%s|" "$@\""""))
    assert run_command([elsewhere / "link", "backtest", "a b", "*"], elsewhere) == (
        0,
        f"{project}\n-m|local|backtest|a b|*|",
        "",
    )


@pytest.mark.parametrize("name", ["PYTHONSAFEPATH", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"])
def test_variables_of_another_python_do_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """Neither here nor in make: a safe path would leave out the clone, and without bytecode each start is slow."""
    monkeypatch.setenv(name, "/nowhere")
    print_it = ["make", "--no-print-directory", "-s", "-f", str(ROOT / "Makefile"), "-f", "-", "probe"]
    rule = f"probe:\n\t@echo given: ${name}\n".replace("$", "$$")
    asked = subprocess.run(print_it, cwd=ROOT, input=rule, capture_output=True, text=True, check=True)
    assert asked.stdout == "given:\n"
    launcher = write_project(tmp_path, f'echo "given: ${name}"')
    assert run_command([launcher], tmp_path) == (0, "given: \n", "")
    assert run_command([ROOT / "pr-sentinel", "--help"], ROOT)[0] == 0


def test_the_command_says_what_to_run_first(tmp_path: Path) -> None:
    """Nothing was set up."""
    (tmp_path / "pr-sentinel").write_bytes((ROOT / "pr-sentinel").read_bytes())
    assert run_command(["sh", tmp_path / "pr-sentinel", "run"], tmp_path) == (1, "", "Run make first\n")
