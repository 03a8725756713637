"""Two versions side by side: both get users, and their live figures say which one is better.

`compare` says so to a person, and an analysis to Argo Rollouts; where it may act, nobody else is needed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import yaml

from rollouts.checks.cluster import COMPARISON
from rollouts.checks.verdict import Outcome
from tests.cluster import kube
from tests.cluster.rollouts.revisions import (
    FAULTY,
    ROLLOUT,
    ROOT,
    SPACE,
    SPLIT,
    Called,
    Release,
    active_hash,
    analysed,
    called,
    failures,
    last_answer,
    release,
    rollout,
    run_plugin,
    wait_for,
)

STEP, BACKGROUND = "Step", "Background"
CHECKS = {"identity", "golden", "behaviour", "speed"}
TOO_FEW, ENOUGH = 150, 600
AT_ONCE = 10
ENOUGH_REQUESTS = 300
ABOUT_HALF = (0.3, 0.7)


def call_both(pulls: int) -> None:
    """Let the caller ask the Service of both revisions about so many pull requests."""
    command = ["python", "caller.py", "http://model-serving", str(pulls), str(AT_ONCE)]
    change = [{"op": "replace", "path": "/spec/template/spec/containers/0/command", "value": command}]
    kube.kubectl("patch", "deployment/caller", "--type=json", f"--patch={json.dumps(change)}", namespace=SPACE)
    kube.rolled_out(SPACE)
    callers = ("pods", "--selector", "app.kubernetes.io/name=caller")
    kube.wait(lambda: len(kube.get(*callers, namespace=SPACE)["items"]) == 1, "the end of the caller of before")


def forget_figures() -> None:
    """Let Prometheus begin anew: `compare` looks back on days, in which a model here has been both quick and slow."""
    kube.kubectl("rollout", "restart", "deployment/prometheus", namespace=SPACE)
    kube.rolled_out(SPACE)


def compare(old: str, new: str) -> tuple[Outcome, str]:
    """Run the command as a person does who decides; its outcome and what it prints."""
    with kube.forwarded("mongodb", 27017, SPACE) as mongo, kube.forwarded("prometheus", 9090, SPACE) as prometheus:
        command = ["-m", "rollouts.checks", "compare", "--versions", old, new, f"--prometheus=http://{prometheus}"]
        there = {"MONGO_URI": f"mongodb://{mongo}/?directConnection=true"}
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=os.environ | there, capture_output=True, text=True, check=False
        )
    assert not done.stderr
    print(done.stdout)  # noqa: T201
    return Outcome(done.returncode), done.stdout


def share(old: str, new: str) -> float:
    """Return the share of the requests from now on that the new model answers."""

    def counted() -> list[int]:
        counts = called()
        return [counts.get(digest[:12], Called(0, 0)).count for digest in (old, new)]

    def look() -> float | None:
        olds, news = (now - then for now, then in zip(counted(), before, strict=True))
        return news / (olds + news) if olds + news >= ENOUGH_REQUESTS else None

    before = counted()
    return kube.wait(look, "requests")


def ended(metric: str, kind: str) -> str | None:
    """Return how a metric of the latest revision has ended; None before."""
    phase = analysed(rollout(), kind).get(metric)
    return phase if phase not in ("Pending", "Running") else None


@pytest.fixture(scope="module")
def promoted(split: str, digests: dict[str, str]) -> dict[str, str]:
    """Version 4 beside version 3, then promoted by a person; what was seen of it is in the first test."""
    call_both(TOO_FEW)
    old, new = digests["active"], digests["good"]
    found = release(Release("good", new, app=FAULTY))
    assert found["status"]["phase"] == "Paused", analysed(found, STEP)
    assert analysed(found, STEP) == dict.fromkeys(CHECKS, "Successful")
    assert ABOUT_HALF[0] < share(old, new) < ABOUT_HALF[1]
    outcome, printed = compare("3", "4")
    run_plugin("promote")
    healthy = wait_for("Healthy", "Degraded")
    assert healthy["status"]["phase"] == "Healthy", analysed(healthy, STEP)
    assert active_hash() == healthy["status"]["stableRS"] == found["status"]["currentPodHash"]
    last_answer(old, new)
    assert not failures(called())
    return {"outcome": outcome.name, "printed": printed, "hash": active_hash()}


def test_both_get_their_users_until_a_person_promotes_the_new_one(promoted: dict[str, str]) -> None:
    """No request is lost. Of too few pull requests it is not said which is better."""
    assert promoted["outcome"] == Outcome.INCONCLUSIVE.name
    assert "version 4 has 150 pull requests; 200 are needed" in promoted["printed"]
    assert promoted["printed"].endswith("version 4 compared with version 3: not enough data\n")


def test_a_slow_one_is_worse(promoted: dict[str, str], digests: dict[str, str]) -> None:
    """Its check ends it, and until then users have seen enough of it."""
    call_both(ENOUGH)
    old, new = digests["good"], digests["next"]
    found = release(Release("next", new, version="5", app=FAULTY, settings=("SLOW=1",)))
    assert found["status"].get("abort") is True
    assert analysed(found, STEP)["speed"] == "Failed"
    assert active_hash() == found["status"]["stableRS"] == promoted["hash"]
    last_answer(new, old)
    assert not failures(called())
    outcome, printed = compare("4", "5")
    assert outcome is Outcome.FAILED
    assert printed.endswith("version 5 compared with version 4: worse\n")


def test_one_in_a_slow_one_s_place_is_better(promoted: dict[str, str], digests: dict[str, str]) -> None:
    """A person who aborts nevertheless has the old one back."""
    call_both(ENOUGH)
    for pod in kube.get("pods", "--selector", f"rollouts-pod-template-hash={promoted['hash']}", namespace=SPACE)[
        "items"
    ]:
        kube.kubectl("exec", pod["metadata"]["name"], "--", "touch", "/tmp/slow", namespace=SPACE)  # noqa: S108
    forget_figures()
    old, new = digests["good"], digests["later"]
    found = release(Release("later", new, version="6"))
    assert found["status"]["phase"] == "Paused", analysed(found, STEP)
    advice = kube.wait(lambda: ended(COMPARISON, BACKGROUND), "the advice of the analysis")
    assert (advice, rollout()["status"]["phase"]) == ("Successful", "Paused")
    outcome, printed = compare("4", "6")
    assert outcome is Outcome.PASSED
    assert printed.endswith("version 6 compared with version 4: better\n")
    run_plugin("abort")
    assert wait_for("Degraded")["status"]["stableRS"] == promoted["hash"]
    last_answer(new, old)
    assert not failures(called())


@pytest.fixture(scope="module")
def acting(promoted: dict[str, str]) -> Iterator[dict[str, str]]:
    """The same, where the comparison decides: the patch of the component `act`."""
    change = json.dumps(yaml.safe_load((SPLIT / "act" / "strategy.yaml").read_text()))
    kube.kubectl("patch", "rollout", ROLLOUT, "--type=json", f"--patch={change}", namespace=SPACE)
    yield promoted
    # What a patch has set, the next overlay would leave beside its own strategy.
    gone = json.dumps([{"op": "remove", "path": "/spec/strategy/canary"}])
    kube.kubectl("patch", "rollout", ROLLOUT, "--type=json", f"--patch={gone}", namespace=SPACE)


def test_an_analysis_that_acts_leaves_a_person_what_it_can_not_tell(
    acting: dict[str, str], digests: dict[str, str]
) -> None:
    """Of too few pull requests, as long as there are no more."""
    call_both(TOO_FEW)
    found = release(Release("next", digests["next"], version="5"))
    assert found["status"]["phase"] == "Paused", analysed(found, STEP)
    assert analysed(found, STEP)[COMPARISON] == "Inconclusive"
    assert active_hash() == acting["hash"]
    run_plugin("abort")
    wait_for("Degraded")
    last_answer(digests["next"], digests["good"])


def test_an_analysis_that_acts_promotes_what_is_better(acting: dict[str, str], digests: dict[str, str]) -> None:
    """The old one is still slow; nobody is asked."""
    call_both(ENOUGH)
    found = release(Release("later", digests["later"], version="6"))
    assert found["status"]["phase"] == "Healthy", analysed(found, STEP)
    assert analysed(found, STEP)[COMPARISON] == "Successful"
    assert active_hash() == found["status"]["currentPodHash"] != acting["hash"]
    last_answer(digests["good"], digests["later"])
    assert not failures(called())
