"""The whole pipeline by the command line, on the samples: what a person sees at the first run and at the second."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from local.services import embedded
from tests.support.command_line import SampleRun, cli


def run(state: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the pipeline."""
    return cli("run", "--state", str(state), *arguments, **environment)


def records(state: Path) -> list[dict[str, Any]]:
    """The records of all runs, the oldest first."""
    found = [json.loads(path.read_text()) for path in state.glob("runs/*/run.json")]
    return sorted(found, key=lambda record: str(record["began"]))


def outputs(record: dict[str, Any], task: str) -> dict[str, str]:
    """Return the outputs of a task of a run."""
    return next(dict(node["outputs"]) for node in record["nodes"] if node["task"] == task)


@pytest.fixture(scope="module")
def state(sample_run: SampleRun) -> Path:
    """The state folder of both runs."""
    return sample_run.state


@pytest.fixture(scope="module")
def first(sample_run: SampleRun) -> subprocess.CompletedProcess[str]:
    """The first run, without a repository and without a token."""
    return sample_run.result


@pytest.fixture(scope="module")
def second(state: Path, first: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """The same again."""
    return run(state)


def test_the_first_run_ends_with_unusual_pull_requests_figures_and_a_model(
    state: Path, first: subprocess.CompletedProcess[str]
) -> None:
    """With no token at all, from nothing to a registered model."""
    assert first.returncode == 0, first.stdout + first.stderr
    assert "4,200 pull requests fetched in 42 requests for 3 repositories." in first.stdout
    assert "The most unusual pull requests" in first.stdout
    assert "IsolationForest" in first.stdout
    assert "Model: accepted, version 1." in first.stdout
    assert f"See also: {state}/report.html" in first.stdout
    assert "Drift: unknown (no pull request has been opened since the champion's dataset)." in first.stdout
    page = (state / "report.html").read_text()
    assert page.count('class="card pull"') > 10
    assert page.count("data:image/png;base64,") == 3


@pytest.mark.slow
def test_the_second_run_asks_once_for_each_repository_and_changes_nothing(
    state: Path, second: subprocess.CompletedProcess[str]
) -> None:
    """It says so, and dataset, run and version are those of the first."""
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Incremental: nothing changed since" in second.stdout
    assert "3 requests for 3 repositories; dataset and model unchanged." in second.stdout
    before, after = records(state)
    for task in ("preprocess", "train"):
        assert outputs(before, task) == outputs(after, task)
    registry = MlflowClient(f"sqlite:///{state}/mlflow.db")
    assert [version.version for version in registry.search_model_versions("name = 'pr-sentinel'")] in (["1"], [1])


@pytest.mark.slow
@pytest.mark.parametrize(("repository", "rows"), [("example/tiny", 10), ("example/empty", 0)])
def test_too_few_pull_requests_end_well_and_say_how_many_are_needed(repository: str, rows: int, tmp_path: Path) -> None:
    """No model, no report, and no failure."""
    with embedded.sample_github(tmp_path) as github:
        result = run(tmp_path / "state", "--repos", repository, **github)
    assert result.returncode == 0, result.stdout + result.stderr
    (line,) = (line for line in result.stdout.splitlines() if line.startswith(f"No model: {rows} pull requests"))
    assert "at least 300 are needed" in line
    assert not (tmp_path / "state" / "report.html").exists()


def test_a_repository_that_can_not_be_seen_ends_with_its_name_and_exit_code(tmp_path: Path) -> None:
    """GitHub's answer is the same whether it does not exist or is private."""
    with embedded.sample_github(tmp_path) as github:
        result = run(tmp_path / "state", "--repos", "example/secret", **github)
    assert result.returncode == 66
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("There is no repository"))
    assert "example/secret" in line
