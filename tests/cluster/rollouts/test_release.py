"""A good candidate reaches users without a request lost, and goes back as well; one that turns bad is called back."""

import time
from concurrent.futures import ThreadPoolExecutor

from release.cluster import Cluster
from tests.cluster import kube
from tests.cluster.rollouts.revisions import (
    FAULTY,
    POST,
    PRE,
    SPACE,
    Release,
    active_hash,
    analysed,
    analyses,
    called,
    failures,
    last_answer,
    measured,
    promoted,
    put,
    release,
    run_plugin,
    wait_for,
)

CHECKS = {"identity", "golden", "behaviour", "speed"}
ROUNDS = 3


def test_a_good_candidate_is_promoted_by_a_person_and_goes_back_when_asked(space: str, digests: dict[str, str]) -> None:
    """All checks pass, then all live figures, and no request is lost. Too early, a promotion does nothing; two at once
    are one.
    """
    before, lost = active_hash(), failures(called())
    old, new = digests["active"], digests["good"]
    put(Release("good", new))
    kube.wait(lambda: "Running" in measured(PRE).values(), "an analysis")
    run_plugin("promote")
    found = wait_for("Paused", "Degraded")
    assert found["status"]["phase"] == "Paused", analysed(found, PRE)
    assert analysed(found, PRE) == dict.fromkeys(CHECKS, "Successful")
    assert active_hash() == before
    with ThreadPoolExecutor() as people:
        list(people.map(run_plugin, ["promote", "promote"]))
    healthy = wait_for("Healthy", "Degraded")
    assert healthy["status"]["phase"] == "Healthy", analysed(healthy, POST)
    assert len(analyses(healthy, POST)) == 1
    assert set(analysed(healthy, POST).values()) == {"Successful"}
    assert active_hash() == healthy["status"]["currentPodHash"]
    assert called()[digests["good"][:12]].count > 0
    asked, cluster = time.time(), Cluster(None, SPACE)
    cluster.undo(cluster.read_state().revisions[before])
    print(f"undone; the new revision's last answer after {last_answer(new, old) - asked:.1f} s")  # noqa: T201
    assert wait_for("Healthy")["status"]["stableRS"] == before
    assert failures(called()) == lost


def test_promotions_and_rollbacks_follow_each_other_without_a_request_lost(space: str, digests: dict[str, str]) -> None:
    """While a revision is watched, going back is at once, as `make rollback` does it."""
    before, lost, cluster = active_hash(), failures(called()), Cluster(None, SPACE)
    old, new = digests["active"], digests["good"]
    for number in range(ROUNDS):
        found = release(Release("good", new, settings=(f"ROUND={number}",)))
        assert found["status"]["phase"] == "Paused", analysed(found, PRE)
        asked = time.time()
        promoted()
        print(f"promoted; the old revision's last answer after {last_answer(old, new) - asked:.1f} s")  # noqa: T201
        asked = time.time()
        cluster.abort()
        print(f"rolled back; the new revision's last answer after {last_answer(new, old) - asked:.1f} s")  # noqa: T201
        assert active_hash() == before
        assert wait_for("Degraded")["status"]["stableRS"] == before
    assert failures(called()) == lost


def test_a_promoted_revision_that_turns_bad_is_called_back(space: str, digests: dict[str, str]) -> None:
    """By the live figures, without a person; how long it took is printed."""
    before, lost = active_hash(), failures(called())
    found = release(Release("good", digests["good"], app=FAULTY))
    assert found["status"]["phase"] == "Paused", analysed(found, PRE)
    promoted()
    bad = found["status"]["currentPodHash"]
    for pod in kube.get("pods", "--selector", f"rollouts-pod-template-hash={bad}", namespace=SPACE)["items"]:
        kube.kubectl("exec", pod["metadata"]["name"], "--", "touch", "/tmp/broken", namespace=SPACE)  # noqa: S108
    broken = time.time()
    kube.wait(lambda: active_hash() == before, "the old revision")
    switched = time.time()
    degraded = wait_for("Degraded")
    assert analysed(degraded, POST)["answers"] == "Failed"
    own = "failed: HTTP 500"
    print(f"broken; after {switched - broken:.0f} s back, last error after {called()[own].last - broken:.1f} s")  # noqa: T201
    assert failures(called()) | {own: 0} == lost | {own: 0}
