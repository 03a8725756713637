"""The command line, up to where the pipeline begins."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.command_line import ROOT, call_cli, cli, start_cli


def test_repositories_without_a_token_are_refused_with_what_to_do(tmp_path: Path) -> None:
    """Before anything is started."""
    result = cli("run", "--repos", "owner/name", "--state", str(tmp_path / "state"))
    assert result.returncode == 78
    assert "GITHUB_TOKEN is not set." in result.stderr
    assert "Export a token" in result.stderr


def test_a_state_that_can_not_be_a_folder_is_refused(tmp_path: Path) -> None:
    """A file stands there."""
    (tmp_path / "state").write_text("")
    result = cli("run", "--state", str(tmp_path / "state"))
    assert result.returncode == 78
    assert "can't be created" in result.stderr


def test_a_database_of_another_mlflow_is_named_before_its_server_starts(tmp_path: Path) -> None:
    """It would end with a traceback."""
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("create table alembic_version (version_num varchar(32))")
        database.execute("insert into alembic_version values ('unknown')")
    result = cli("mlflow", "--state", str(tmp_path))
    assert (result.returncode, result.stdout) == (78, "")
    assert "has the schema of another version of MLflow" in result.stderr


def test_render_check_agrees_with_what_is_committed() -> None:
    """As the commit hook asks it."""
    command = [sys.executable, "-m", "workflows", "render", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("repositories", "more", "code", "words"),
    [
        ("nobody here", {}, 78, "'nobody' is not a repository name. It has the form owner/name."),
        ("https://ghes.example/o/n", {}, 78, "A repository at ghes.example is not at 127.0.0.1"),
        ("example/nothing", {}, 66, "example/nothing"),
        ("example/docs", {"GITHUB_TOKEN": "bad-token"}, 77, "refuses the token"),
        ("example/docs", {"GITHUB_TOKEN": "two words"}, 78, "GITHUB_TOKEN contains characters"),
        ("example/docs", {"GITHUB_API_URL": "http://127.0.0.1:1"}, 75, "the connection was refused"),
        (
            "example/docs",
            {"HTTPS_PROXY": "http://127.0.0.1:1", "GITHUB_API_URL": "https://github.invalid"},
            75,
            "proxy",
        ),
    ],
)
def test_what_can_not_be_fetched_is_refused_before_anything_starts(
    github_address: str, tmp_path: Path, repositories: str, more: dict[str, str], code: int, words: str
) -> None:
    """Names, the token and the network: no database and no task has been started."""
    settings = {"GITHUB_TOKEN": "x", "GITHUB_API_URL": github_address, **more}
    result = call_cli("run", "--repos", repositories, "--state", str(tmp_path), **settings)
    assert result.returncode == code
    assert words in " ".join(result.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_a_terminated_run_takes_everything_with_it(tmp_path: Path) -> None:
    """SIGTERM while a step runs: no server and no step is left, and the words say that nothing is lost."""
    running = start_cli("run", "--state", str(tmp_path), stderr=subprocess.STDOUT)
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
