"""The golden check: the golden pull requests must score through the whole service as they did at training.

The candidate itself provides the expected scores but can't change them: the expected digest, given from outside, is the
hash of the model's manifest, which contains the hash of the golden pull requests.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from rollouts.checks.service import FAILURES, ServiceClient, pull_request_id
from rollouts.checks.verdict import CheckVerdict
from steps.scoring.artefact import TOLERANCE, as_json

FILE = "golden.json"
MIN_GOLDEN = 3
"""Golden pull requests needed; a model has five."""


@dataclass(frozen=True)
class GoldenAnswers:
    """The manifest and golden pull requests that a service returns, and its results for them."""

    manifest: Mapping[str, Any]
    golden: Sequence[Mapping[str, Any]]
    results: Sequence[Mapping[str, Any]]


def judge(digest: str | None, given: GoldenAnswers | None, failure: str = "") -> CheckVerdict:
    """Compare the results with the scores of the model with this digest; `failure` says why there are none."""
    if digest is None:
        return CheckVerdict(unclear=["no expected digest was given"])
    if given is None:
        return CheckVerdict(wrong=[failure])
    if wrong := _find_forgery(digest, given) or _find_missing(given):
        return CheckVerdict(wrong=[wrong])
    same = len({one["score"] for one in given.golden}) == 1
    unclear = ["all golden pull requests have the same score, which any model may give"] if same else []
    return CheckVerdict(
        [*_find_differences(given)], unclear, [f"{len(given.golden)} golden pull requests of {digest[:12]}"]
    )


def _find_forgery(digest: str, given: GoldenAnswers) -> str | None:
    """Name the file that does not have its expected hash."""
    if _hash(given.manifest) != digest:
        return f"the manifest is not the one with the digest {digest[:12]}"
    if _hash(given.golden) != given.manifest["sha256"].get(FILE):
        return "the golden pull requests are not those of the manifest"
    return None


def _find_missing(given: GoldenAnswers) -> str | None:
    if len(given.golden) < MIN_GOLDEN:
        return f"the model has {len(given.golden)} golden pull requests, {MIN_GOLDEN} are needed"
    if len(given.results) != len(given.golden):
        return f"{len(given.results)} results for {len(given.golden)} golden pull requests"
    return None


def _hash(value: Any) -> str:
    return sha256(as_json(value)).hexdigest()


def _find_differences(given: GoldenAnswers) -> Iterator[str]:
    for golden, result in zip(given.golden, given.results, strict=True):
        found, wanted, named = result["score"], golden["score"], pull_request_id(golden["pull_request"])
        if result.get("history") != "repository":
            yield f"{named} was scored with another history than at training ({result.get('history')})"
        elif not math.isclose(found, wanted, rel_tol=0, abs_tol=TOLERANCE):  # always true for NaN
            yield f"{named} scores {found:.9g} instead of {wanted:.9g}"


def score_golden(address: str, digest: str | None) -> tuple[GoldenAnswers | None, str]:
    """Score a service's golden pull requests; return the answers, or None and the reason for the failure."""
    service = ServiceClient(address)
    try:
        _, card = service.get_json("/model")
        _, golden = service.get_json("/golden")
        results = service.results([one["pull_request"] for one in golden], digest or card["digest"])
        return GoldenAnswers(card["manifest"], golden, results), ""
    except FAILURES as error:
        return None, str(error)
    except (KeyError, TypeError) as error:
        return None, f"{address} describes its model in another form ({error!r})"
