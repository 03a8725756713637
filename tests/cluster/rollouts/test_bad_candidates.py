"""A bad candidate is stopped by the check named for it, and users never reach it."""

import pytest

from tests.cluster import kube
from tests.cluster.rollouts.revisions import (
    FAULTY,
    PRE,
    Release,
    active_hash,
    analysed,
    analyses,
    called,
    failures,
    measured,
    put,
    release,
    rollout,
    run_plugin,
    wait_for,
)


@pytest.mark.parametrize(
    ("given", "checks"),
    [
        (Release("everything", "everything"), {"behaviour"}),
        (Release("nothing", "nothing"), {"behaviour"}),
        (Release("nothing", "good"), {"identity", "golden"}),
        (Release("good", "good", version="5"), {"identity"}),
        (Release("good", "unreleased"), {"identity", "golden"}),
        (Release("good", "good", app=FAULTY, settings=("SLOW=1",)), {"speed"}),
    ],
    ids=["flags all", "flags nothing", "wrong model", "wrong version", "no digest", "slow"],
)
def test_a_bad_candidate_is_stopped_by_its_check(
    given: Release, checks: set[str], space: str, digests: dict[str, str]
) -> None:
    """And can't be promoted any more. Where two checks find it, the first to do so ends the other."""
    before, lost = active_hash(), failures(called())
    found = release(given._replace(digest=digests.get(given.digest, given.digest)))
    assert found["status"]["phase"] == "Degraded"
    assert found["status"].get("abort") is True
    failed = {name for name, phase in analysed(found, PRE).items() if phase == "Failed"}
    assert failed
    assert failed <= checks
    run_plugin("promote")
    assert wait_for("Degraded")["status"]["abort"] is True
    assert active_hash() == before != found["status"]["currentPodHash"]
    assert failures(called()) == lost


@pytest.mark.parametrize(
    "given",
    [Release("no-such-model", "good"), Release("good", "good", app="no.such:app")],
    ids=["never ready", "crashes"],
)
def test_a_candidate_that_never_gets_ready_is_given_up(given: Release, space: str, digests: dict[str, str]) -> None:
    """No check is asked, as there is nothing to ask."""
    before, lost = active_hash(), failures(called())
    found = release(given._replace(digest=digests["good"]))
    assert found["status"]["phase"] == "Degraded"
    assert found["status"].get("abort") is True
    assert active_hash() == before
    assert analysed(found, PRE) == {}
    assert failures(called()) == lost


def test_a_candidate_that_failed_is_checked_again_when_it_is_tried_again(space: str, digests: dict[str, str]) -> None:
    """Its pods are there still, which must not let it pass."""
    before, lost = active_hash(), failures(called())
    found = release(Release("everything", digests["everything"], settings=("AGAIN=1",)))
    assert len(analyses(found, PRE)) == 1
    run_plugin("retry", "rollout")
    kube.wait(lambda: len(analyses(found, PRE)) > 1 or active_hash() != before, "another analysis")
    assert wait_for("Paused", "Degraded", "Healthy")["status"].get("abort") is True
    assert active_hash() == before
    assert failures(called()) == lost


def test_a_candidate_that_was_replaced_is_checked_when_it_comes_back(space: str, digests: dict[str, str]) -> None:
    """As where a revert in Git brings back what another one took the place of before its checks had ended."""
    before, lost = active_hash(), failures(called())
    bad = Release("everything", digests["everything"], settings=("REPLACED=1",))
    put(bad)
    kube.wait(lambda: "Running" in measured(PRE).values(), "an analysis")
    replaced = rollout()["status"]["currentPodHash"]
    put(Release("good", digests["good"], settings=("REPLACING=1",)))
    kube.wait(lambda: rollout()["status"]["currentPodHash"] != replaced, "the next candidate")
    found = release(bad)
    assert found["status"]["currentPodHash"] == replaced
    assert found["status"].get("abort") is True
    assert active_hash() == before
    assert failures(called()) == lost
