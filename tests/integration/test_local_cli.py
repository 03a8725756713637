"""The command line, up to where the pipeline begins."""

import subprocess
import sys
from pathlib import Path

import psutil

from tests.support.command_line import ROOT, cli, start_cli


def test_repositories_without_a_token_are_refused_with_what_to_do(tmp_path: Path) -> None:
    """Before anything is started."""
    result = cli("run", "--repos", "owner/name", "--state", str(tmp_path / "state"))
    assert result.returncode == 78
    assert "GITHUB_TOKEN is not set." in result.stdout
    assert "Export a token" in result.stdout


def test_a_state_that_can_not_be_a_folder_is_refused(tmp_path: Path) -> None:
    """A file stands there."""
    (tmp_path / "state").write_text("")
    result = cli("run", "--state", str(tmp_path / "state"))
    assert result.returncode == 78
    assert "can't be created" in result.stdout


def test_render_check_agrees_with_what_is_committed() -> None:
    """As the commit hook asks it."""
    command = [sys.executable, "-m", "workflows", "render", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_a_repository_that_does_not_exist_ends_with_the_words_of_the_step(tmp_path: Path) -> None:
    """The problem, the advice, the path of the log, and the step's own exit code; nothing is retried."""
    result = cli("run", "--repos", "nobody here", "--state", str(tmp_path), **{"GITHUB_TOKEN": "x"})
    assert result.returncode == 78
    assert "discover failed: 'nobody' is not a repository name." in result.stdout
    assert "It has the form owner/name." in result.stdout
    (log,) = tmp_path.glob("runs/*/discover.log")
    assert str(log) in result.stdout
    assert "retries" not in result.stdout


def test_a_terminated_run_takes_everything_with_it(tmp_path: Path) -> None:
    """SIGTERM while a step runs: no server and no step is left, and the words say that nothing is lost."""
    running = start_cli("run", "--state", str(tmp_path))
    assert running.stdout is not None
    assert "discover" in running.stdout.readline()
    family = psutil.Process(running.pid).children(recursive=True)
    running.terminate()
    assert "Interrupted." in running.stdout.read()
    assert running.wait() == 130
    assert len(family) >= 2
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)


def test_the_page_of_help_names_every_command() -> None:
    """For whoever does not read the Makefile."""
    words = cli("--help").stdout
    assert all(command in words for command in ("run", "backtest", "serve", "mlflow"))
