"""A bad candidate is stopped by the check named for it, and users never reach it.

These are tried before anything is promoted: while an old revision waits to be scaled down, Argo Rollouts counts no
deadline.
"""

import pytest

from tests.cluster.rollouts.conftest import (
    FAULTY,
    PRE,
    Release,
    active_hash,
    analysed,
    called,
    failures,
    release,
    told,
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
    assert found["status"]["abort"] is True
    failed = {name for name, phase in analysed(found, PRE).items() if phase == "Failed"}
    assert failed
    assert failed <= checks
    told("promote")
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
    assert found["status"]["abort"] is True
    assert active_hash() == before
    assert analysed(found, PRE) == {}
    assert failures(called()) == lost
