"""Whatever is killed in the middle of a run: it is tried again, nothing is lost, and the result is the same."""

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from tests.cluster import kube
from tests.cluster.argo import Run, submit, unlike_any_before
from tests.cluster.project import REPOSITORIES, forget, no_champion
from tests.support.github import StandIn

MIDDLE = {"fetch": '"page stored"', "preprocess": '"reading documents"', "train": '"training"'}


@pytest.fixture
def emptied(first_run: Run, database: Database[dict[str, Any]], github: StandIn) -> Database[dict[str, Any]]:
    """Everything is to be fetched again, from a GitHub that takes its time."""
    forget(database, REPOSITORIES)
    github.control(latency_ms=1_000)
    return database


def killed(run: Run, step: str) -> None:
    """Take a step's pod away in the middle, without a warning."""
    pod = run.running(step, lambda logs: MIDDLE[step] in logs)
    kube.kubectl("delete", "pod", pod, "--grace-period=0", "--force")


def test_each_step_s_pod(first_run: Run, emptied: Database[dict[str, Any]]) -> None:
    """fetch, preprocess and train, each once in one run; the dataset is the same as before."""
    with no_champion():
        run = submit(*REPOSITORIES, **unlike_any_before())
        for step in MIDDLE:
            killed(run, step)
        run.succeeded()
    for step in MIDDLE:
        phases = [node["phase"] for node in run.pods(step)]
        assert "Succeeded" in phases
        assert {"Failed", "Error"} & set(phases), phases
    assert run.outputs("preprocess") == first_run.outputs("preprocess")
    assert emptied.pull_requests.count_documents({}) == emptied.pull_requests.estimated_document_count() > 0


def controller() -> None:
    """Argo's own pod."""
    (pod,) = kube.get("pods", "--selector", "app=workflow-controller", namespace="argo")["items"]
    kube.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force", namespace="argo")


def mongodb() -> None:
    """The database's server; what it has acknowledged is on its disk."""
    kube.kubectl("exec", "mongodb-0", "--", "python", "-c", "import os; os.kill(1, 15)", namespace=kube.BACKING)


@pytest.mark.parametrize("away", [controller, mongodb])
def test_what_a_run_depends_on(first_run: Run, emptied: Database[dict[str, Any]], away: Callable[[], None]) -> None:
    """In the middle of fetching: the run ends well, with every document and the same dataset."""
    run = submit(*REPOSITORIES)
    run.running("fetch", lambda logs: MIDDLE["fetch"] in logs)
    away()
    run.succeeded()
    assert run.outputs("preprocess") == first_run.outputs("preprocess")


def test_a_node_that_is_drained(first_run: Run, emptied: Database[dict[str, Any]]) -> None:
    """In the middle of fetching: nothing comes back to it before it is in use again, and then the run goes on."""
    run = submit(*REPOSITORIES)
    pod = run.running("fetch", lambda logs: MIDDLE["fetch"] in logs)
    node = kube.get("pod", pod)["spec"]["nodeName"]
    of_the_run = f"--selector=workflows.argoproj.io/workflow={run.name}"
    try:
        kube.kubectl("drain", node, of_the_run.replace("selector", "pod-selector"), "--delete-emptydir-data")
        waiting = kube.wait(lambda: kube.get("pods", of_the_run)["items"], "another try")
        assert not {node} & {one["spec"].get("nodeName") for one in waiting}
    finally:
        kube.kubectl("uncordon", node)
    run.succeeded()
    assert "Received SIGTERM (for example, the node is being drained)." in run.shown()
    assert run.outputs("preprocess") == first_run.outputs("preprocess")
