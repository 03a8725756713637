"""A backtest after a real run: by the registry's champion, on its dataset, with the titles of the documents."""

import html
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from pymongo import MongoClient

from local.backtest.result import Backtest
from local.backtest.source import run_backtest
from local.services import embedded
from local.services.server import exclusive_run
from tests.support import tracking
from tests.support.command_line import SampleRun, call_cli, cli

WEBSHOP = "example/webshop"
EVERYTHING = 10_000


@pytest.fixture(scope="module")
def state(sample_run: SampleRun) -> Iterator[Path]:
    """What a run has kept; its MongoDB runs on, or each command would start it again."""
    assert sample_run.result.returncode == 0, sample_run.result.stdout + sample_run.result.stderr
    with embedded.mongo(sample_run.state):
        yield sample_run.state


@pytest.fixture(scope="module")
def told(state: Path) -> subprocess.CompletedProcess[str]:
    """A backtest as a maintainer starts it."""
    return cli("backtest", WEBSHOP, "--state", str(state))


@pytest.fixture(scope="module")
def all_of(state: Path) -> dict[str, Backtest]:
    """Backtests of all pull requests, by repository."""
    with embedded.data_services(state) as settings:
        return {name: run_backtest(name, EVERYTHING, 1, settings) for name in embedded.SAMPLE_REPOSITORIES}


def unusual(state: Path, folder: Path) -> list[dict[str, Any]]:
    """What the training itself named as most unusual."""
    records = (json.loads(path.read_text()) for path in state.glob("runs/*/run.json"))
    (run_id,) = {node["outputs"]["run_id"] for one in records for node in one["nodes"] if node["task"] == "train"}
    client = MlflowClient(f"sqlite:///{state}/mlflow.db")
    return list(json.loads(Path(client.download_artifacts(run_id, "unusual.json", str(folder))).read_text()))


def test_a_maintainer_sees_what_would_have_been_flagged(state: Path, told: subprocess.CompletedProcess[str]) -> None:
    """A table, the sum of it, and a page with every flagged one, its title and a link to it."""
    assert told.returncode == 0, told.stdout + told.stderr
    page = (state / "backtest-example-webshop.html").read_text()
    (count,) = re.findall(r"Flagged (\d+) of 500 \(", told.stdout)
    assert int(count) > 0
    assert f"Flagged in {WEBSHOP}" in told.stdout
    assert f"{state}/backtest-example-webshop.html in a browser" in told.stdout
    assert page.count('class="card pull"') == int(count)
    assert len(re.findall(r'<a href="https://github.example/example/webshop/pull/\d+"[^>]*>[^<]', page)) == int(count)
    assert told.stderr == ""


def test_scores_and_reasons_are_those_of_the_training(
    state: Path, told: subprocess.CompletedProcess[str], all_of: dict[str, Backtest], tmp_path: Path
) -> None:
    """What it named among the newest pull requests is named here in the same words, with the same score."""
    page = html.unescape((state / "backtest-example-webshop.html").read_text())
    (since,) = re.findall(r"opened from (\S+) to", told.stdout)
    named = [
        one
        for one in unusual(state, tmp_path)
        if one["repository"] == WEBSHOP and one["level"] != "standard" and one["created_at"][:10] > since
    ]
    then = {one.number: one for one in all_of[WEBSHOP].opened}
    assert {one["number"]: one["score"] for one in named} == pytest.approx(
        {one["number"]: then[one["number"]].score for one in named}, abs=1e-3
    )
    for one in named:
        assert f"#{one['number']} · {one['created_at'][:10]}" in page
        assert f"{then[one['number']].score:.2f}" in page
        assert all(reason in page for reason in one["reasons"])


def test_the_same_backtest_is_the_same_page(state: Path, told: subprocess.CompletedProcess[str]) -> None:
    """However often it is asked for, and however the name is written."""
    pages = []
    for name in (WEBSHOP, WEBSHOP.upper()):
        assert call_cli("backtest", name, "--state", str(state)).stdout == told.stdout
        pages.append((state / "backtest-example-webshop.html").read_bytes())
    assert pages[0] == pages[1]


def test_all_of_a_repository_comes_in_the_order_of_opening_with_what_the_model_knew(
    all_of: dict[str, Backtest],
) -> None:
    """Trained on, then the threshold's, then never seen, each as large as a dataset's splits are."""
    found = all_of[WEBSHOP]
    assert [one.at for one in found.opened] == sorted(one.at for one in found.opened)
    assert {split: count for split, (count, _) in found.splits.items()} == {
        "train": 1_560,
        "validation": 390,
        "test": 650,
    }
    assert {one.number for one in found.flagged} == {one.number for one in found.opened if one.is_flagged}
    assert all(one.title and one.reasons for one in found.flagged)


def test_the_threshold_flags_the_alert_budget_of_the_pull_requests_that_it_was_set_on(
    all_of: dict[str, Backtest],
) -> None:
    """Of a repository's own ones; the fewer it has, the more of those over all, which count like a hundred."""
    scores = {
        name: np.array([one.score for one in found.opened if one.split == "validation"])
        for name, found in all_of.items()
    }
    assert sum(map(len, scores.values())) == 630
    over_all = np.quantile(np.concatenate([*scores.values()]), 0.99)
    for name, found in all_of.items():
        weight = len(scores[name]) / (len(scores[name]) + 100)
        threshold = weight * np.quantile(scores[name], 0.99) + (1 - weight) * over_all
        assert found.threshold == pytest.approx(threshold, abs=1e-3)
        assert found.splits["validation"] == (len(scores[name]), int((scores[name] > found.threshold).sum()))


@pytest.mark.parametrize("repository", embedded.SAMPLE_REPOSITORIES)
def test_a_larger_alert_budget_flags_no_fewer(all_of: dict[str, Backtest], repository: str) -> None:
    """The model's own one gives what is shown; no week tells more than it may."""
    found = all_of[repository]
    assert [one.share for one in found.budgets] == [0.005, 0.01, 0.02]
    assert [one.flagged for one in found.budgets] == sorted(one.flagged for one in found.budgets)
    (own,) = (one for one in found.budgets if one.own)
    assert (own.flagged, own.alerted, own.threshold) == (len(found.flagged), found.alert_count, found.threshold)
    assert max(one.alerted for one in found.weeks) == 1


def test_a_repository_that_the_model_does_not_know_ends_with_those_that_it_does(state: Path) -> None:
    """And with what to run."""
    result = call_cli("backtest", "nobody/here", "--state", str(state))
    assert result.returncode == 66
    assert "nobody/here is not in the model's dataset, which contains example/compiler, example/docs" in result.stderr
    assert 'make run REPOS="nobody/here"' in result.stderr
    assert not (state / "backtest-nobody-here.html").exists()


def test_a_registry_without_a_champion_is_reported(tmp_path: Path) -> None:
    """It is there and empty."""
    result = call_cli("backtest", "a/b", "--state", str(tmp_path), MLFLOW_URI=tracking.empty(tmp_path))
    assert result.returncode == 66
    assert "There is no champion model yet." in result.stderr
    assert "make run" in result.stderr


def test_a_backtest_goes_beside_whatever_else_uses_the_state(
    state: Path, told: subprocess.CompletedProcess[str]
) -> None:
    """A run, or the service: what they use of it goes on."""
    with exclusive_run(state), embedded.mongo(state) as uri, MongoClient[dict[str, Any]](uri) as client:
        assert call_cli("backtest", WEBSHOP, "--state", str(state)).stdout == told.stdout
        assert client.admin.command("ping")["ok"]


@pytest.mark.parametrize(("option", "value"), [("--last", "0"), ("--last", "ten"), ("--weekly", "-1")])
def test_a_number_that_makes_no_sense_is_refused(option: str, value: str, tmp_path: Path) -> None:
    """By the option's name."""
    result = call_cli("backtest", "a/b", option, value, "--state", str(tmp_path))
    assert result.returncode == 2
    assert option in result.stderr


def test_the_page_of_help_names_it() -> None:
    """With what it is for, and every option."""
    assert "backtest" in cli("--help").stdout
    words = call_cli("backtest", "--help").stdout
    assert all(option in words for option in ("--last", "--weekly", "--state", "owner/name"))


def test_precision_against_known_outcomes_is_that_of_the_documents(
    state: Path, all_of: dict[str, Backtest], told: subprocess.CompletedProcess[str]
) -> None:
    """Every pull request that has ended counts once, and junk of strangers is locked as spam."""
    found = all_of[WEBSHOP]
    counts = (found.flagged_outcomes.unwanted.total, found.other_outcomes.unwanted.total)
    with embedded.data_services(state) as settings, MongoClient[dict[str, Any]](settings["MONGO_URI"]) as client:
        pulls = client[settings["MONGO_DB"]].pull_requests
        assert sum(counts) == pulls.count_documents({"_id": {"$regex": f"^{WEBSHOP}#"}, "closed_at": {"$ne": None}})
        spam = pulls.count_documents({"_id": {"$regex": f"^{WEBSHOP}#"}, "active_lock_reason": "spam"})
    assert list(found.outcomes.values()).count("spam") == spam > 0
    assert list(found.outcomes.values()).count("reverted") > 0
    flagged, others = found.flagged_outcomes.unwanted, found.other_outcomes.unwanted
    assert flagged.number / flagged.total > others.number / others.total
    assert "Precision against known outcomes" in told.stdout


def test_rules_can_be_tried_before_they_are_committed(
    state: Path, told: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    """What they mute raises no alert, and the summary counts it; other shares flag others."""
    rules = tmp_path / "pr-sentinel.yml"
    kinds = "[dump, deletion, small_promise, insider_sweep, commit_flood]"
    rules.write_text(f"weekly_alerts: 1\nmute:\n  reasons: {kinds}\n  paths: ['**']\n")
    result = call_cli("backtest", WEBSHOP, "--config", str(rules), "--state", str(state))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The repository's rules mute" in result.stdout
    assert "With at most 1 alert per week" in result.stdout
    page = (state / "backtest-example-webshop.html").read_text()
    assert "muted (reasons)" in page or "muted (paths)" in page
    rules.write_text("alert_budget: 0.1\n")
    loud = call_cli("backtest", WEBSHOP, "--config", str(rules), "--state", str(state))
    (before, after) = (int(re.findall(r"Flagged (\d+) of", one.stdout)[0]) for one in (told, loud))
    assert after > 2 * before
    assert "Its alert budget is 10.0 % of pull requests" in loud.stdout


@pytest.mark.parametrize(("content", "named"), [("mode: loud\n", "mode: Input should be"), (None, "can't be read")])
def test_rules_that_are_not_valid_are_refused_by_name(
    state: Path, tmp_path: Path, content: str | None, named: str
) -> None:
    """With what is wrong."""
    rules = tmp_path / "rules.yml"
    if content:
        rules.write_text(content)
    result = call_cli("backtest", WEBSHOP, "--config", str(rules), "--state", str(state))
    assert result.returncode != 0
    assert named in result.stderr
