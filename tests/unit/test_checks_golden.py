"""Golden pull requests prove a model only where they are that model's own, and score as it must."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from rollouts.checks import golden
from rollouts.checks.golden import GoldenAnswers
from rollouts.checks.verdict import CheckVerdict, Outcome
from steps.scoring.artefact import as_json
from tests.support import stub_service

REPOSITORY = {"repo": {"full_name": "golden/example"}}
GOLDEN: list[dict[str, Any]] = [
    {"pull_request": {"number": number, "base": REPOSITORY}, "features": {"size": 1e-07}, "score": score}
    for number, score in ((1, 1.25), (2, 9.5), (3, 0.1 + 0.2))
]
RESULTS = [{"score": one["score"], "history": "repository"} for one in GOLDEN]
NAN = float("nan")


def manifest(content: Any = GOLDEN) -> dict[str, Any]:
    """That of a model with these golden pull requests."""
    return {"version": 2, "sha256": {"golden.json": sha256(as_json(content)).hexdigest()}, "größe": 0.30000000000000004}


DIGEST = sha256(as_json(manifest())).hexdigest()
GIVEN = GoldenAnswers(manifest(), GOLDEN, RESULTS)


def verdict(digest: str | None = DIGEST, **changes: Any) -> CheckVerdict:
    """Of a model that is sound, but for what is changed."""
    return golden.judge(digest, replace(GIVEN, **changes))


def test_a_sound_model_passes() -> None:
    """Up to what libraries may differ by."""
    assert verdict().outcome is Outcome.PASSED
    assert verdict(results=[one | {"score": one["score"] + 9e-7} for one in RESULTS]).outcome is Outcome.PASSED


def changed(score: Any, history: str = "repository") -> list[dict[str, Any]]:
    """The results, the second one changed."""
    return [RESULTS[0], {"score": score, "history": history}, RESULTS[2]]


def resealed(content: Any) -> dict[str, Any]:
    """A candidate whose golden pull requests are others, with a manifest that fits them."""
    return {
        "manifest": manifest(content),
        "golden": content,
        "results": [{**one, "history": "repository"} for one in content],
    }


EASY = [one | {"score": 0.0} for one in GOLDEN]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"results": changed(9.5 + 2e-6)}, "golden/example#2 scores 9.500002 instead of 9.5"),
        ({"results": changed(9.5 - 2e-6)}, "golden/example#2 scores"),
        ({"results": changed(NAN)}, "golden/example#2 scores nan"),
        ({"results": changed(9.5, "all")}, "another history than at training (all)"),
        ({"results": changed(9.5, "none")}, "another history than at training (none)"),
        ({"results": RESULTS[:2]}, "2 results for 3"),
        ({"results": []}, "0 results for 3"),
        ({"results": RESULTS[::-1]}, "golden/example#1 scores"),
        ({"golden": EASY, "results": EASY}, "not those of the manifest"),
        ({"golden": []}, "not those of the manifest"),
        (resealed(EASY), "not the one with the digest"),
        ({"manifest": {}}, "not the one with the digest"),
    ],
)
def test_a_score_other_than_at_training_fails(changes: dict[str, Any], reason: str) -> None:
    """And is named."""
    found = verdict(**changes)
    assert found.outcome is Outcome.FAILED
    assert any(reason in line for line in found.wrong), found.wrong


@pytest.mark.parametrize("digest", ["unreleased", "", "0" * 64])
def test_another_digest_fails(digest: str) -> None:
    """Whatever the scores are."""
    assert verdict(digest).outcome is Outcome.FAILED


@pytest.mark.parametrize("content", [[], GOLDEN[:2]])
def test_a_model_with_too_few_of_them_fails(content: Any) -> None:
    """Though all there are score right."""
    given = GoldenAnswers(manifest(content), content, RESULTS[: len(content)])
    found = golden.judge(sha256(as_json(given.manifest)).hexdigest(), given)
    assert (found.outcome, "3 are needed" in found.wrong[0]) == (Outcome.FAILED, True)


def test_golden_ones_that_all_score_the_same_prove_nothing() -> None:
    """A constant would do."""
    given = GoldenAnswers(manifest(EASY), EASY, [{"score": 0.0, "history": "repository"}] * 3)
    assert golden.judge(sha256(as_json(given.manifest)).hexdigest(), given).outcome is Outcome.INCONCLUSIVE


def test_without_a_digest_from_outside_nothing_is_proved() -> None:
    """The candidate could have anything."""
    assert verdict(None).outcome is Outcome.INCONCLUSIVE


def test_a_candidate_that_does_not_answer_fails() -> None:
    """With the reason."""
    assert golden.judge(DIGEST, None, "HTTP 503").wrong == ["HTTP 503"]


def answer_golden(path: str, body: Any) -> tuple[int, dict[str, str], Any]:
    """A service with a sound model."""
    if path == "/model":
        return 200, {}, {"digest": DIGEST, "manifest": manifest()}
    if path == "/golden":
        return 200, {}, GOLDEN
    results = [
        one
        | {"id": f"golden/example#{number}", "percentile": 50.0, "threshold": 99.0}
        | {"unusual": False, "level": "standard", "reasons": []}
        for number, one in enumerate(RESULTS, start=1)
    ]
    return 200, {"X-Model-Digest": DIGEST}, {"model": {"digest": DIGEST}, "results": results}


def test_a_service_is_asked_for_its_golden_pull_requests_and_their_scores() -> None:
    """Whether the digest is known before or only from its card; with another digest its answers are another model's."""
    with stub_service.serve(answer_golden) as service:
        for digest in (DIGEST, None):
            found, failure = golden.score_golden(service.address, digest)
            assert failure == ""
            assert found is not None
            assert (found.manifest, found.golden) == (manifest(), GOLDEN)
            assert [one["score"] for one in found.results] == [one["score"] for one in GOLDEN]
        assert golden.judge(DIGEST, found).outcome is Outcome.PASSED
        found, failure = golden.score_golden(service.address, "0" * 64)
    assert found is None
    assert "instead of 000000000000" in failure


def test_a_service_that_fails_or_describes_itself_otherwise_says_so() -> None:
    """Nothing is compared."""
    with stub_service.serve(lambda path, body: (503, {}, {})) as service:
        assert golden.score_golden(service.address, DIGEST) == (None, f"HTTP 503 from {service.address}/model")
    with stub_service.serve(lambda path, body: (200, {}, [])) as service:
        found, failure = golden.score_golden(service.address, DIGEST)
    assert found is None
    assert failure.startswith(f"{service.address} describes its model in another form")
