"""Whether the golden pull requests score as at training, over the whole way that a request takes.

The candidate itself tells what is expected, but has no say in it: the expected digest, given from outside, is the hash
of the model's manifest, and that has the hash of the golden pull requests.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from rollouts.checks.service import BROKEN, Service, name
from rollouts.checks.verdict import Verdict
from steps.scoring.artefact import TOLERANCE, as_json

FILE = "golden.json"
LEAST = 3
"""Golden pull requests; a model has five."""


@dataclass(frozen=True)
class Given:
    """What a service tells of its model, and its results for the golden pull requests."""

    manifest: Mapping[str, Any]
    golden: Sequence[Mapping[str, Any]]
    results: Sequence[Mapping[str, Any]]


def verdict(digest: str | None, given: Given | None, failure: str = "") -> Verdict:
    """Judge the results by what the model of this digest must give; `failure` says why there are none."""
    if digest is None:
        return Verdict(unclear=["nobody said which digest is expected"])
    if given is None:
        return Verdict(wrong=[failure])
    if wrong := _forged(digest, given) or _too_few(given):
        return Verdict(wrong=[wrong])
    same = len({one["score"] for one in given.golden}) == 1
    unclear = ["all golden pull requests have the same score, which any model may give"] if same else []
    return Verdict([*_differing(given)], unclear, [f"{len(given.golden)} golden pull requests of {digest[:12]}"])


def _forged(digest: str, given: Given) -> str | None:
    """What does not have the hash that it must have."""
    if _hash(given.manifest) != digest:
        return f"the manifest is not the one with the digest {digest[:12]}"
    if _hash(given.golden) != given.manifest["sha256"].get(FILE):
        return "the golden pull requests are not those of the manifest"
    return None


def _too_few(given: Given) -> str | None:
    if len(given.golden) < LEAST:
        return f"the model has {len(given.golden)} golden pull requests, {LEAST} are needed"
    if len(given.results) != len(given.golden):
        return f"{len(given.results)} results for {len(given.golden)} golden pull requests"
    return None


def _hash(value: Any) -> str:
    return sha256(as_json(value)).hexdigest()


def _differing(given: Given) -> Iterator[str]:
    for golden, result in zip(given.golden, given.results, strict=True):
        found, wanted, named = result["score"], golden["score"], name(golden["pull_request"])
        if result.get("history") != "repository":
            yield f"{named} was compared with another past than at training ({result.get('history')})"
        elif not math.isclose(found, wanted, rel_tol=0, abs_tol=TOLERANCE):  # never with NaN
            yield f"{named} scores {found:.9g} instead of {wanted:.9g}"


def ask(address: str, digest: str | None) -> tuple[Given | None, str]:
    """What a service gives, or why it gives nothing."""
    service = Service(address)
    try:
        _, card = service.told("/model")
        _, golden = service.told("/golden")
        results = service.results([one["pull_request"] for one in golden], digest or card["digest"])
        return Given(card["manifest"], golden, results), ""
    except BROKEN as error:
        return None, str(error)
    except (KeyError, TypeError) as error:
        return None, f"what {address} tells of its model is of another form ({error!r})"
