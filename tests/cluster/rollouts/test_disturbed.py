"""Failures around a release: users stay on the old revision or return to it."""

from collections.abc import Iterator

import pytest

from tests.cluster import kube
from tests.cluster.rollouts.revisions import (
    FAULTY,
    POST,
    PRE,
    SPACE,
    Release,
    active_hash,
    analysed,
    called,
    failures,
    measured,
    promoted,
    put,
    release,
    rollout,
    run_plugin,
    wait_for,
)


def test_a_preview_that_is_scaled_to_zero_while_it_is_checked_fails(space: str, digests: dict[str, str]) -> None:
    """By the check that runs then, although Argo Rollouts brings the pods back."""
    before, lost = active_hash(), failures(called())
    put(Release("good", digests["good"], settings=("SCALED=1",)))
    kube.wait(lambda: measured(PRE).get("speed") == "Running" and checked_by("speed"), "the load test")
    candidate = rollout()["status"]["currentPodHash"]
    kube.kubectl("scale", f"replicaset/model-serving-{candidate}", "--replicas=0", namespace=SPACE)
    found = wait_for("Paused", "Degraded")
    assert found["status"]["phase"] == "Degraded"
    assert analysed(found, PRE)["speed"] == "Failed"
    assert active_hash() == before != candidate
    assert failures(called()) == lost


def test_a_candidate_without_metrics_waits_for_a_person(space: str, digests: dict[str, str]) -> None:
    """No data is not a yes: the old revision's pods stay, and a person's abort puts it back."""
    before, lost = active_hash(), failures(called())
    found = release(Release("good", digests["good"], app=FAULTY, settings=("MUTE=1",)))
    assert found["status"]["phase"] == "Paused", analysed(found, PRE)
    promoted()
    paused = wait_for("Paused", "Healthy", "Degraded")
    assert [one["reason"] for one in paused["status"]["pauseConditions"]] == ["InconclusiveAnalysisRun"]
    assert "Inconclusive" in set(analysed(paused, POST).values()) <= {"Inconclusive", "Successful"}
    assert paused["status"]["stableRS"] == before
    run_plugin("abort")
    kube.wait(lambda: active_hash() == before, "the old revision")
    assert wait_for("Degraded")["status"]["abort"] is True
    assert failures(called()) == lost


@pytest.fixture
def prometheus_comes_back(space: str) -> Iterator[None]:
    """Whatever a test has done to it."""
    yield
    kube.kubectl("scale", "deployment/prometheus", "--replicas=1", namespace=SPACE)
    kube.rolled_out(SPACE)


@pytest.mark.usefixtures("prometheus_comes_back")
def test_a_promoted_revision_whose_prometheus_goes_away_is_called_back(space: str, digests: dict[str, str]) -> None:
    """A revision that can't be watched is not kept."""
    before, lost = active_hash(), failures(called())
    found = release(Release("good", digests["good"], settings=("UNWATCHED=1",)))
    assert found["status"]["phase"] == "Paused", analysed(found, PRE)
    promoted()
    kube.wait(lambda: "Running" in measured(POST).values(), "the first figures")
    kube.kubectl("scale", "deployment/prometheus", "--replicas=0", namespace=SPACE)
    kube.wait(lambda: active_hash() == before, "the old revision")
    degraded = wait_for("Degraded")
    assert "Error" in analysed(degraded, POST).values()
    assert failures(called()) == lost


def checked_by(check: str) -> bool:
    """Return whether a check's Job has a running pod."""
    chosen = ("--selector", "app.kubernetes.io/component=checks", "--field-selector", "status.phase=Running")
    pods = kube.get("pods", *chosen, namespace=SPACE)["items"]
    return any(pod["spec"]["containers"][0]["args"][0] == check for pod in pods)
