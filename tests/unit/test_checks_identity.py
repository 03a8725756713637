"""The identity check passes only if the model, version, pods and image are all those of the revision."""

from dataclasses import replace
from typing import Any

import pytest

from rollouts.checks import identity
from rollouts.checks.cluster import Pod
from rollouts.checks.identity import ExpectedRevision, IdentityAnswer, IdentityAnswers
from rollouts.checks.verdict import CheckVerdict, Outcome

DIGEST, ANOTHER = "c" * 64, "a" * 64
IMAGE = "registry.example/serve@sha256:" + "1" * 64
EXPECTED = ExpectedRevision(DIGEST, "4", "7b5c", IMAGE)
PODS = [Pod(f"pod-{number}", f"http://10.0.0.{number}:3000", "7b5c", IMAGE) for number in (1, 2)]
RIGHT = [
    IdentityAnswer(place, DIGEST, DIGEST, "4") for place in ["http://preview"] * 30 + [pod.name for pod in PODS] * 4
]


def verdict(
    answers: list[IdentityAnswer] = RIGHT, expected: ExpectedRevision = EXPECTED, pods: Any = PODS, **asked: Any
) -> CheckVerdict:
    """Of a revision that is what it should be, but for what is changed."""
    return identity.judge(expected, IdentityAnswers(answers, **({"active": ANOTHER} | asked)), pods)


def test_a_revision_that_is_itself_passes() -> None:
    """And outside of a cluster too, where there are no pods to name."""
    assert verdict().outcome is Outcome.PASSED
    assert verdict(pods=None).outcome is Outcome.PASSED


def test_another_build_of_the_active_model_passes_where_it_is_expected() -> None:
    """It says so."""
    found = verdict(active=DIGEST)
    assert found.outcome is Outcome.PASSED
    assert "the active service has the same model: this is another build of it" in found.seen


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answers": [*RIGHT, replace(RIGHT[0], body=ANOTHER)]}, "in its answer the model aaaaaaaaaaaa"),
        ({"answers": [*RIGHT, replace(RIGHT[0], header=ANOTHER)]}, "in its header the model aaaaaaaaaaaa"),
        ({"answers": [*RIGHT, replace(RIGHT[0], header=None)]}, "in its header the model None"),
        ({"answers": [*RIGHT, replace(RIGHT[-1], version="3")]}, "pod-2 names the version 3 instead of 4"),
        ({"answers": [*RIGHT, IdentityAnswer("http://preview", None, None, None)]}, "in its answer the model None"),
        ({"failures": ["http://preview: HTTP 503"]}, "http://preview: HTTP 503 (1 x)"),
        ({"answers": [], "failures": ["no answer"] * 30}, "no answer (30 x)"),
        ({"pods": []}, "no pod is ready"),
        ({"pods": [*PODS[:1], replace(PODS[1], pod_hash="66aa")]}, "pod pod-2 is of revision 66aa instead of 7b5c"),
        ({"pods": [*PODS[:1], replace(PODS[1], pod_hash=None)]}, "pod pod-2 is of revision None"),
        ({"pods": [*PODS[:1], replace(PODS[1], image="other")]}, "pod pod-2 runs other instead of"),
        ({"expected": replace(EXPECTED, digest="unreleased")}, "'unreleased' is not a digest"),
        ({"expected": replace(EXPECTED, digest="")}, "'' is not a digest"),
        ({"expected": replace(EXPECTED, digest=None), "active": DIGEST}, "the model that answers is already active"),
    ],
)
def test_every_mismatch_is_named(changes: dict[str, Any], reason: str) -> None:
    """One thing each."""
    found = verdict(**changes)
    assert found.outcome is Outcome.FAILED
    assert any(reason in line for line in found.wrong), found.wrong


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expected": replace(EXPECTED, digest=None)}, "no expected digest was given"),
        ({"answers": RIGHT[:29], "pods": None}, "29 answers are too few"),
        ({"answers": [], "pods": None}, "0 answers are too few"),
        ({"answers": RIGHT[:30]}, "pod pod-1 did not answer"),
        ({"active_unknown": "no answer", "active": None}, "the active model is unknown"),
    ],
)
def test_missing_data_is_inconclusive(changes: dict[str, Any], reason: str) -> None:
    """Though nothing is wrong."""
    found = verdict(**changes)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any(reason in line for line in found.unclear), found.unclear
