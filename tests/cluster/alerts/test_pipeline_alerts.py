"""The alerts of the pipeline on a cluster: each fires by its cause, and ends by what its runbook says.

Runs, refusals, documents and drift are real, as are Argo's controller and what it exports. Only the alerts' time runs
faster (`watching`). The tests are one story on a cluster that knows of no run, and are in its order.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from samples.generate import generate_repositories
from samples.server import LATEST
from tests.cluster import kube
from tests.cluster.argo import Run, argo, no_controller
from tests.cluster.project import Vault, step_secrets
from tests.cluster.runbooks import look_at
from tests.cluster.watching import Alerts
from tests.support.github import StandIn

SHOP = "example/webshop"
CHAMPION_UNTIL = "2026-05-01T00:00:00Z"
"""The champion has seen nothing newer; a hundred pull requests since then are enough for a comparison."""
MOMENTS = {name: f"2026-09-0{day}T00:00:00Z" for day, name in enumerate(("drifted", "damaged", "mended"), start=2)}
"""When pull requests were updated: each makes fetch look at them again."""
EVERY = 33
"""Of so many documents one can't be a pull request: three per cent, between the alert and the end of a run."""
PULLS = generate_repositories()[SHOP].pulls


@pytest.fixture(scope="module")
def watched(pipeline: None) -> Iterator[str]:
    """The pipeline's namespace; neither Argo's controller nor MongoDB nor MLflow knows of any run."""
    forget_runs()
    yield kube.PIPELINE
    forget_runs()


def forget_runs() -> None:
    """Delete all workflows, and what they left in the services of the trial and in the controller."""
    kube.kubectl("delete", "workflows", "--all")
    kube.kubectl("delete", "pod", "mongodb-0", "mlflow-0", namespace=kube.BACKING)
    restart_controller()
    kube.rolled_out(kube.BACKING)


def restart_controller() -> None:
    """Have Argo's controller forget its gauges, as a new node does."""
    with no_controller():
        pass


def run_now(schedule: str, **parameters: str) -> Run:
    """Start what a schedule starts, by the command of the runbook."""
    given = [part for name, value in parameters.items() for part in ("--parameter", f"{name}={value}")]
    return Run(argo("submit", "--from", f"cronwf/{schedule}", *given, "--output", "name").strip())


def run_pipeline(*, train: bool = False) -> Run:
    """Start a run over the shop."""
    return run_now("pr-sentinel", repositories=json.dumps([SHOP]), train=str(train).lower())


def compare() -> dict[str, str]:
    """Compare the newest pull requests with the champion's; what came of it."""
    return run_now("pr-sentinel-monitor").succeeded().outputs("monitor")


def control(github: StandIn, moment: str, changes: dict[int, dict[str, Any]] | None = None) -> None:
    """Set GitHub's clock, and change pull requests by their numbers."""
    fields = {f"{SHOP}#{number}": change for number, change in (changes or {}).items()}
    github.control(now=moment, change=fields)


def update(name: str, numbers: list[int], **fields: int | str) -> dict[int, dict[str, Any]]:
    """Return such changes of pull requests, at the moment of that name; sizes differ by their numbers."""
    grown = {number: {key: _grow(value, number) for key, value in fields.items()} for number in numbers}
    return {number: {"updated_at": MOMENTS[name], **change} for number, change in grown.items()}


def _grow(value: int | str, number: int) -> int | str:
    return value + number if isinstance(value, int) and value > 0 else value


def damaged() -> list[int]:
    """The pull requests that get a form that none can have."""
    return [number for number in PULLS if number % EVERY == 0]


def recent() -> list[int]:
    """The pull requests that the champion does not know."""
    return [number for number, pull in PULLS.items() if CHAMPION_UNTIL < pull.created_at <= LATEST]


def test_run_missed_ends_with_the_first_run(alerts: Alerts, github: StandIn) -> None:
    """On a new cluster it fires until then."""
    alerts.wait_until_firing("PRSentinelRunMissed")
    control(github, CHAMPION_UNTIL)
    run = run_pipeline(train=True).succeeded()
    alerts.wait_until_silent("PRSentinelRunMissed")
    assert run.name in look_at("PRSentinelRunMissed")
    assert run.outputs("register")["reason"] in look_at("PRSentinelModelStale")


def test_credentials_refused_fires_when_a_role_is_gone_and_ends_with_the_retried_run(
    alerts: Alerts, github: StandIn, vault: Vault
) -> None:
    """The runbook's commands name the role."""
    assert alerts.is_silent("PRSentinelCredentialsRefused")
    vault.client.delete("auth/kubernetes/role/pr-sentinel-fetch")
    run = run_pipeline()
    run.failed()
    alerts.wait_until_firing("PRSentinelCredentialsRefused")
    assert "refuses this pod the role 'pr-sentinel-fetch'" in look_at("PRSentinelCredentialsRefused")
    vault.apply(step_secrets())
    run.retry().succeeded()
    alerts.wait_until_silent("PRSentinelCredentialsRefused")


def test_drift_unseen_outlasts_a_comparison_that_fails(alerts: Alerts, vault: Vault) -> None:
    """It has no verdict, and Argo has no trouble with that."""
    alerts.wait_until_firing("PRSentinelDriftUnseen")
    vault.client.delete("auth/kubernetes/role/pr-sentinel-monitor")
    shown = run_now("pr-sentinel-monitor").failed()
    assert "refuses this pod the role 'pr-sentinel-monitor'" in shown
    assert "MetricsError" not in shown
    assert not alerts.is_silent("PRSentinelDriftUnseen")


def test_drift_unseen_ends_with_the_first_comparison(alerts: Alerts) -> None:
    """Nothing has drifted, which is silent too."""
    found = compare()
    assert found["verdict"] == "stable", found["reason"]
    assert found["reason"] in look_at("PRSentinelDriftUnseen")
    alerts.wait_until_silent("PRSentinelDriftUnseen")
    assert alerts.is_silent("PRSentinelDrift")


def test_drift_fires_once_it_has_been_there_for_long(alerts: Alerts, github: StandIn) -> None:
    """Not by the first comparison that finds it: a training may help."""
    control(github, MOMENTS["drifted"], update("drifted", recent(), additions=9_000, commits=60, title="x"))
    run_pipeline().succeeded()
    found = compare()
    assert found["drifted"] == "1"
    assert found["reason"] in look_at("PRSentinelDrift")
    kube.wait(lambda: alerts.query("argo_workflows_pr_sentinel_drifted_repositories == 1"), "the result in Prometheus")
    assert alerts.evaluate("PRSentinelDrift") == "pending"
    alerts.wait_until_firing("PRSentinelDrift")


def test_quarantine_share_fires_at_three_per_cent(alerts: Alerts, github: StandIn) -> None:
    """Of a run that succeeds. What had drifted is as it was again."""
    assert alerts.is_silent("PRSentinelQuarantineShare")
    control(github, MOMENTS["damaged"], update("damaged", recent()) | update("damaged", damaged(), additions=-1))
    run_pipeline().succeeded()
    alerts.wait_until_firing("PRSentinelQuarantineShare")


def test_drift_ends_when_the_change_has_passed(alerts: Alerts) -> None:
    """By the next comparison, which finds none."""
    assert not alerts.is_silent("PRSentinelDrift")
    assert compare()["drifted"] == "0"
    alerts.wait_until_silent("PRSentinelDrift")


def test_quarantine_share_outlasts_the_controller_but_not_the_next_sound_run(alerts: Alerts, github: StandIn) -> None:
    """A controller that restarts forgets its gauges; whatever another one reports later counts."""
    restart_controller()
    kube.wait(lambda: not alerts.query("argo_workflows_pr_sentinel_rejected_share"), "a controller without gauges")
    assert not alerts.is_silent("PRSentinelQuarantineShare")
    control(github, MOMENTS["mended"], update("mended", damaged()))
    run_pipeline().succeeded()
    alerts.wait_until_silent("PRSentinelQuarantineShare")
