"""The identity check: the expected revision must answer, with its own model, pods and image."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rollouts.checks.cluster import Pod
from rollouts.checks.service import FAILURES, ServiceClient
from rollouts.checks.verdict import CheckVerdict
from steps.common.errors import DamagedArtefact
from steps.common.settings import SignatureSettings
from steps.scoring import signature
from steps.scoring.artefact import MANIFEST
from steps.serve.http.examples import PULL_REQUEST

DIGEST = re.compile(r"[0-9a-f]{64}")
REQUESTS_PER_ADDRESS = 30
"""Requests to the URL; with this many, a pod of another revision among a few answers almost certainly."""
REQUESTS_PER_POD = 4


@dataclass(frozen=True)
class ExpectedRevision:
    """The revision that must answer; None for what was not given. `trust` names who must have signed its model."""

    digest: str | None
    version: str | None = None
    pod_hash: str | None = None
    image: str | None = None
    trust: SignatureSettings | None = None


@dataclass(frozen=True)
class IdentityAnswer:
    """The model that one answer names, and its signature if it is a card; `place` is the URL or pod that answered."""

    place: str
    header: str | None
    body: str | None
    version: str | None
    signature: Any = None
    is_card: bool = False


@dataclass(frozen=True)
class IdentityAnswers:
    """The answers and the failed requests; the digest of the active model, or the reason why it is unknown.

    Both of the last two are None if no active service was given.
    """

    answers: Sequence[IdentityAnswer] = ()
    failures: Sequence[str] = ()
    active: str | None = None
    active_unknown: str | None = None


def judge(expected: ExpectedRevision, collected: IdentityAnswers, pods: Sequence[Pod] | None) -> CheckVerdict:
    """Check the answers, and the pods behind the preview's Service if they are known."""
    signed = _judge_signatures(expected, collected.answers)
    wrong = [
        *_find_wrong_models(expected, collected),
        *signed.wrong,
        *_count_failures(collected),
        *_find_wrong_pods(expected, pods),
    ]
    unclear = [*_find_unknowns(expected, collected, pods), *signed.unclear]
    seen = [f"{len(collected.answers)} answers from {', '.join(sorted({one.place for one in collected.answers}))}"]
    seen += signed.seen
    if collected.active is not None and collected.active == expected.digest:
        seen.append("the active service has the same model: this is another build of it")
    return CheckVerdict(wrong, unclear, seen if collected.answers else ())


def _find_wrong_models(expected: ExpectedRevision, collected: IdentityAnswers) -> Iterator[str]:
    wanted = expected.digest
    if wanted is not None and not DIGEST.fullmatch(wanted):
        yield f"the revision names no model: {wanted!r} is not a digest"
    if wanted is None and any(collected.active == one.body for one in collected.answers):
        yield "the model that answers is already active"
    differing = Counter(
        f"{one.place} names {what} {str(found)[:12]} instead of {str(named)[:12]}"
        for one in collected.answers
        for what, found, named in (
            ("in its header the model", one.header, wanted or one.body),
            ("in its answer the model", one.body, wanted),
            ("the version", one.version, expected.version),
        )
        if named is not None and found != named
    )
    yield from (f"{line} ({count} x)" for line, count in differing.most_common())


def _judge_signatures(expected: ExpectedRevision, answers: Sequence[IdentityAnswer]) -> CheckVerdict:
    """Check that a trusted key has signed the expected model, if signatures are required."""
    if expected.trust is None:
        return CheckVerdict()
    if not signature.is_required(expected.trust):
        return CheckVerdict(seen=["the model's signature is not verified: MODEL_PUBLIC_KEY is not set"])
    cards = [one for one in answers if one.is_card]
    found = Counter(
        f"{one.place}: {problem}"
        for one in cards
        if (problem := _find_signature_problem(one.signature, expected, str(expected.trust.model_public_key)))
    )
    wrong = [f"{line} ({count} x)" for line, count in found.most_common()]
    return CheckVerdict(
        wrong, [] if cards else ["no model card has answered"], [] if wrong else ["the model is signed"]
    )


def _find_signature_problem(bundle: Any, expected: ExpectedRevision, public_keys: str) -> str | None:
    """Return what is wrong with a signature; None if it is of the expected model, by a trusted key."""
    try:
        signed = signature.verify(bundle, public_keys).files.get(MANIFEST)
    except DamagedArtefact as error:
        return error.problem
    if signed != expected.digest:
        return f"the signature is of the model {str(signed)[:12]} instead of {str(expected.digest)[:12]}"
    return None


def _count_failures(collected: IdentityAnswers) -> Iterator[str]:
    yield from (f"{reason} ({count} x)" for reason, count in Counter(collected.failures).most_common())


def _find_wrong_pods(expected: ExpectedRevision, pods: Sequence[Pod] | None) -> Iterator[str]:
    if pods is None:
        return
    if not pods:
        yield "no pod is ready behind the preview's Service"
    for pod in pods:
        if pod.pod_hash != expected.pod_hash:
            yield f"pod {pod.name} is of revision {pod.pod_hash} instead of {expected.pod_hash}"
        if pod.image != expected.image:
            yield f"pod {pod.name} runs {pod.image} instead of {expected.image}"


def _find_unknowns(expected: ExpectedRevision, collected: IdentityAnswers, pods: Sequence[Pod] | None) -> Iterator[str]:
    if expected.digest is None:
        yield "no expected digest was given"
    if len(collected.answers) < REQUESTS_PER_ADDRESS:
        yield f"{len(collected.answers)} answers are too few; {REQUESTS_PER_ADDRESS} are needed"
    if collected.active_unknown:
        yield f"the active model is unknown: {collected.active_unknown}"
    silent = {pod.name for pod in pods or ()} - {one.place for one in collected.answers}
    yield from (f"pod {name} did not answer" for name in sorted(silent))


def collect_answers(address: str, against: str | None, pods: Sequence[Pod] | None) -> IdentityAnswers:
    """Send requests to the URL, then to each pod directly."""
    places = [(address, ServiceClient(address))] * REQUESTS_PER_ADDRESS
    places += [(pod.name, ServiceClient(pod.address)) for pod in pods or () for _ in range(REQUESTS_PER_POD)]
    collected = _send_requests(places)
    if against is None:
        return collected
    try:
        return replace(collected, active=ServiceClient(against).digest())
    except FAILURES as error:
        return replace(collected, active_unknown=str(error))


def _send_requests(places: Iterable[tuple[str, ServiceClient]]) -> IdentityAnswers:
    answers, failures = [], []
    for number, (place, service) in enumerate(places):
        try:
            answers.append(_request_model(place, service) if number % 2 else _request_score(place, service))
        except FAILURES as error:
            failures.append(f"{place}: {error}")
    return IdentityAnswers(answers, failures)


def _request_model(place: str, service: ServiceClient) -> IdentityAnswer:
    headers, card = service.get_json("/model")
    bundle = card.get("signature") if isinstance(card, dict) else None
    return replace(_read_answer(place, headers, card), signature=bundle, is_card=True)


def _request_score(place: str, service: ServiceClient) -> IdentityAnswer:
    headers, answer = service.get_json("/score", {"pull_requests": [PULL_REQUEST]})
    return _read_answer(place, headers, answer.get("model") if isinstance(answer, dict) else None)


def _read_answer(place: str, headers: Mapping[str, str], model: Any) -> IdentityAnswer:
    named = model if isinstance(model, dict) else {}
    return IdentityAnswer(place, headers.get("X-Model-Digest"), named.get("digest"), named.get("version"))
