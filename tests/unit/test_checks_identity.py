"""The identity check passes only if the model, version, pods and image are all those of the revision."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rollouts.checks import identity
from rollouts.checks.cluster import Pod
from rollouts.checks.identity import ExpectedRevision, IdentityAnswer, IdentityAnswers
from rollouts.checks.verdict import CheckVerdict, Outcome
from steps.common.errors import ConfigurationError
from steps.common.settings import SignatureSettings
from steps.scoring import signature
from tests.support import signing_keys, stub_service

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
        ({"expected": replace(EXPECTED, digest=f"{DIGEST}0")}, "is not a digest"),
        ({"expected": replace(EXPECTED, digest=f"{DIGEST}\n")}, "is not a digest"),
        ({"expected": replace(EXPECTED, digest=f"0{DIGEST}"[:64] + "x")}, "is not a digest"),
        ({"pods": [replace(PODS[0], pod_hash=None), *PODS[1:]]}, "pod pod-1 is of revision None instead of 7b5c"),
        ({"pods": [replace(PODS[0], image="other"), *PODS[1:]]}, "pod pod-1 runs other instead of"),
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
        ({"answers": [], "pods": None}, "0 answers are too few; 30 are needed"),
        ({"answers": RIGHT[:30]}, "pod pod-1 did not answer"),
        ({"active_unknown": "no answer", "active": None}, "the active model is unknown"),
    ],
)
def test_missing_data_is_inconclusive(changes: dict[str, Any], reason: str) -> None:
    """Though nothing is wrong."""
    found = verdict(**changes)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any(reason in line for line in found.unclear), found.unclear


def test_the_verdict_says_where_answers_came_from() -> None:
    """And nothing of another build, where there is none."""
    assert verdict().seen == ["38 answers from http://preview, pod-1, pod-2"]
    assert verdict(active=None, expected=replace(EXPECTED, digest=None)).seen == verdict().seen
    assert verdict(answers=[], pods=None).seen == ()


def test_thirty_answers_are_enough() -> None:
    """Outside of a cluster."""
    assert verdict(answers=RIGHT[:30], pods=None).outcome is Outcome.PASSED


def test_silent_pods_are_named_in_order() -> None:
    """All of them; a set of so many is hardly ever in order by chance."""
    pods = [replace(PODS[0], name=f"pod-{number}") for number in "937516428"]
    assert verdict(answers=RIGHT[:30], pods=pods).unclear == [
        f"pod pod-{number} did not answer" for number in "123456789"
    ]


def test_one_answer_of_the_active_model_is_enough_to_say_so() -> None:
    """Where nobody said which one is expected."""
    answers = [replace(one, header=ANOTHER, body=ANOTHER) for one in RIGHT[:20]] + RIGHT[20:]
    found = verdict(answers=answers, expected=ExpectedRevision(None, "4", "7b5c", IMAGE), active=DIGEST)
    assert "the model that answers is already active" in found.wrong


def test_header_and_body_are_each_held_to_what_is_expected() -> None:
    """Two that agree with each other are still wrong; without an expected one, they have to agree."""
    agreeing = [replace(one, header=ANOTHER, body=ANOTHER) for one in RIGHT]
    lines = verdict(answers=agreeing, active=None).wrong
    assert any("in its header the model" in line for line in lines)
    assert any("in its answer the model" in line for line in lines)
    apart = [replace(one, header=ANOTHER) for one in RIGHT]
    found = verdict(answers=apart, expected=ExpectedRevision(None, "4", "7b5c", IMAGE), active=None)
    assert all("in its header the model aaaaaaaaaaaa instead of cccccccccccc" in line for line in found.wrong)
    assert len(found.wrong) == 3


KEYS, OTHER_KEYS = signing_keys.build(1), signing_keys.build(2)
SIGNED = replace(EXPECTED, trust=SignatureSettings(model_public_key=KEYS.public, model_signature="required"))


def sign_manifest(folder: Path, private_key: str) -> tuple[str, Any]:
    """Sign a model that is a manifest alone; its digest, and the bundle as `/model` shows it."""
    folder.mkdir()
    (folder / "manifest.json").write_bytes(b"{}")
    return hashlib.sha256(b"{}").hexdigest(), json.loads(signature.sign(folder, private_key))


def judge_signed(digest: str, bundle: Any, trust: SignatureSettings | None = SIGNED.trust) -> CheckVerdict:
    """Judge answers of this model whose cards have this signature."""
    answers = [
        replace(one, header=digest, body=digest, signature=bundle if number % 2 else None, is_card=bool(number % 2))
        for number, one in enumerate(RIGHT)
    ]
    return verdict(answers=answers, expected=replace(SIGNED, digest=digest, trust=trust))


def test_a_model_that_a_trusted_key_has_signed_passes(tmp_path: Path) -> None:
    """And says so."""
    found = judge_signed(*sign_manifest(tmp_path / "model", KEYS.private))
    assert (found.outcome, found.wrong) == (Outcome.PASSED, [])
    assert "the model is signed" in found.seen


def test_where_signatures_are_required_an_unsigned_model_fails() -> None:
    """One card without a signature among many is enough."""
    found = judge_signed(DIGEST, None)
    assert found.outcome is Outcome.FAILED
    assert any("The model is unsigned." in line for line in found.wrong)


def test_a_signature_of_another_key_fails(tmp_path: Path) -> None:
    """Whoever holds it."""
    found = judge_signed(*sign_manifest(tmp_path / "model", OTHER_KEYS.private))
    assert found.outcome is Outcome.FAILED
    assert any("not signed by a key that is trusted" in line for line in found.wrong)


def test_a_signature_of_another_model_fails(tmp_path: Path) -> None:
    """Such as that of an older version, which the same key has signed."""
    _, bundle = sign_manifest(tmp_path / "model", KEYS.private)
    found = judge_signed(DIGEST, bundle)
    assert found.outcome is Outcome.FAILED
    assert any("instead of cccccccccccc" in line for line in found.wrong)


def test_without_a_public_key_nothing_is_verified_and_the_check_says_so() -> None:
    """Unless signatures are required: then the check can't run."""
    found = judge_signed(DIGEST, None, SignatureSettings())
    assert found.outcome is Outcome.PASSED
    assert "the model's signature is not verified: MODEL_PUBLIC_KEY is not set" in found.seen
    with pytest.raises(ConfigurationError, match="MODEL_PUBLIC_KEY is not set"):
        judge_signed(DIGEST, None, SignatureSettings(model_signature="required"))


def test_a_signature_that_no_card_has_shown_is_unclear() -> None:
    """Scores name a model, and no signature."""
    assert verdict(expected=SIGNED).outcome is Outcome.INCONCLUSIVE


def answer_as(digest: str | None, version: str = "4") -> stub_service.Answer:
    """A service with this model."""

    def answer(path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        card = {"digest": digest, "version": version, "signature": {"of": digest}}
        headers = {"X-Model-Digest": digest} if digest else {}
        return 200, headers, card if path == "/model" else {"model": card, "results": []}

    return answer


def test_answers_are_collected_from_the_url_and_from_each_pod() -> None:
    """Half of them with the model, half with a score; and the active service's digest."""
    with stub_service.serve(answer_as(DIGEST)) as candidate, stub_service.serve(answer_as(ANOTHER)) as active:
        pods = [replace(pod, address=candidate.address) for pod in PODS]
        found = identity.collect_answers(candidate.address, active.address, pods)
        alone = identity.collect_answers(candidate.address, None, None)
    expected = [*[candidate.address] * 30, *["pod-1"] * 4, *["pod-2"] * 4]
    assert [one.place for one in found.answers] == expected
    assert {(one.header, one.body, one.version) for one in found.answers} == {(DIGEST, DIGEST, "4")}
    assert (found.active, found.active_unknown, found.failures) == (ANOTHER, None, [])
    paths = [path for path, _ in candidate.asked[:38]]
    assert (paths.count("/score"), paths.count("/model")) == (19, 19)
    assert paths[:2] == ["/score", "/model"]
    assert [one.signature for one in found.answers if one.is_card] == [{"of": DIGEST}] * 19
    assert (len(alone.answers), alone.active, alone.active_unknown) == (30, None, None)
    assert identity.judge(EXPECTED, found, [replace(pod, address="") for pod in PODS]).wrong == []


def test_answers_of_another_form_name_no_model_and_failures_are_kept() -> None:
    """A list is not a card, and an error is not an answer."""
    with stub_service.serve(lambda path, body: (200, {}, ["odd"])) as odd:
        found = identity.collect_answers(odd.address, odd.address, None)
    assert {(one.header, one.body, one.version) for one in found.answers} == {(None, None, None)}
    assert found.active_unknown == "/model names no digest"
    with stub_service.serve(lambda path, body: (503, {}, {})) as down:
        failed = identity.collect_answers(down.address, None, None)
    assert failed.answers == []
    assert len(failed.failures) == 30
    assert failed.failures[0] == f"{down.address}: HTTP 503 from {down.address}/score"


def test_a_page_in_place_of_the_service_is_no_revision() -> None:
    """As of a proxy that wants people to log in: it answers well, and says nothing; nor does nobody at all."""
    with stub_service.serve(lambda path, body: (200, {"X-Model-Digest": DIGEST}, b"<html>Log in</html>")) as page:
        found = identity.collect_answers(page.address, page.address, None)
    assert found.answers == []
    assert len(found.failures) == identity.REQUESTS_PER_ADDRESS
    assert all(one.endswith(" is not valid JSON") for one in found.failures)
    assert (found.active, found.active_unknown) == (None, "/model is not valid JSON")
    assert identity.judge(EXPECTED, found, None).outcome is Outcome.FAILED
    nobody = identity.collect_answers(page.address, None, None)
    assert all(f"no answer from {page.address}/" in one for one in nobody.failures)
    assert identity.judge(EXPECTED, nobody, None).outcome is Outcome.FAILED
