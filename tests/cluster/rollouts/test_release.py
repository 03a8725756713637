"""A good candidate reaches users without a request lost; a bad one is stopped by its check, or called back."""

import time

import pytest

from tests.cluster import kube
from tests.cluster.rollouts.conftest import FAULTY, SPACE, Release, active_hash, analysed, called, release, wait_for

PRE, POST = "PrePromotion", "PostPromotion"
CHECKS = {"identity", "golden", "behaviour", "speed"}


def promote() -> None:
    """As a person does."""
    kube.run("kubectl", "argo", "rollouts", "--namespace", SPACE, "promote", "model-serving")


def failures(counts: dict[str, int]) -> dict[str, int]:
    """Of what has come of requests."""
    return {name: count for name, count in counts.items() if name.startswith("failed")}


def test_a_good_candidate_is_promoted_by_a_person_and_stays(space: str, digests: dict[str, str]) -> None:
    """All checks pass, then all live figures, and no request is lost."""
    before = active_hash()
    found = release(Release("good", digests["good"]))
    assert found["status"]["phase"] == "Paused", analysed(found, PRE)
    assert analysed(found, PRE) == dict.fromkeys(CHECKS, "Successful")
    assert active_hash() == before
    promote()
    healthy = wait_for("Healthy", "Degraded")
    assert healthy["status"]["phase"] == "Healthy", analysed(healthy, POST)
    assert set(analysed(healthy, POST).values()) == {"Successful"}
    assert active_hash() == healthy["status"]["currentPodHash"]
    counts = called()
    assert counts[digests["good"][:12]] > 0
    assert failures(counts) == {}


def test_a_promoted_revision_that_turns_bad_is_called_back(space: str, digests: dict[str, str]) -> None:
    """By the live figures, without a person; how long it took is printed."""
    before = active_hash()
    found = release(Release("good", digests["good"], app=FAULTY))
    assert found["status"]["phase"] == "Paused", analysed(found, PRE)
    promote()
    bad = found["status"]["currentPodHash"]
    kube.wait(lambda: active_hash() == bad, "the promoted revision")
    pods = kube.get("pods", "--selector", f"rollouts-pod-template-hash={bad}", namespace=SPACE)["items"]
    for pod in pods:
        kube.kubectl("exec", pod["metadata"]["name"], "--", "touch", "/tmp/broken", namespace=SPACE)  # noqa: S108
    broken = time.monotonic()
    kube.wait(lambda: active_hash() == before, "the old revision")
    print(f"back on the old revision {time.monotonic() - broken:.0f} s after the first error")  # noqa: T201
    degraded = wait_for("Degraded")
    assert analysed(degraded, POST)["answers"] == "Failed"


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
    """And users never reach it. Where two checks find it, the first to do so ends the other."""
    before, lost = active_hash(), failures(called())
    found = release(given._replace(digest=digests.get(given.digest, given.digest)))
    assert found["status"]["phase"] == "Degraded"
    assert found["status"]["abort"] is True
    failed = {name for name, phase in analysed(found, PRE).items() if phase == "Failed"}
    assert failed
    assert failed <= checks
    assert active_hash() == before != found["status"]["currentPodHash"]
    assert failures(called()) == lost


@pytest.mark.parametrize(
    "given",
    [Release("no-such-model", "good"), Release("good", "good", app="no.such:app")],
    ids=["never ready", "crashes"],
)
def test_a_candidate_that_never_gets_ready_is_given_up(given: Release, space: str, digests: dict[str, str]) -> None:
    """No check is asked, as there is nothing to ask."""
    before = active_hash()
    found = release(given._replace(digest=digests["good"]))
    assert found["status"]["phase"] == "Degraded"
    assert active_hash() == before
    assert analysed(found, PRE) == {}
