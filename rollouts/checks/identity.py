"""Whether what answers is this revision: its model, its pods, its image, and not those of another."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rollouts.checks.cluster import Pod
from rollouts.checks.service import BROKEN, Service
from rollouts.checks.verdict import Verdict
from steps.serve.http.examples import PULL_REQUEST

DIGEST = re.compile(r"[0-9a-f]{64}")
AT_ADDRESS = 30
"""Requests to the address; so many let a pod of another revision among few answer with near certainty."""
AT_POD = 4


@dataclass(frozen=True)
class Revision:
    """What must answer; None is what nobody has said."""

    digest: str | None
    version: str | None = None
    pod_hash: str | None = None
    image: str | None = None


@dataclass(frozen=True)
class Said:
    """What one answer says of itself; `place` is who was asked."""

    place: str
    header: str | None
    body: str | None
    version: str | None


@dataclass(frozen=True)
class Asked:
    """The answers, and why some requests had none; the digest of the model that is active, or why it isn't known.

    Where nobody named an active service, neither of the last two is there.
    """

    said: Sequence[Said] = ()
    failures: Sequence[str] = ()
    active: str | None = None
    active_unknown: str | None = None


def verdict(expected: Revision, asked: Asked, pods: Sequence[Pod] | None) -> Verdict:
    """Judge answers, and the pods behind the preview's Service where there is a cluster to name them."""
    wrong = [*_models(expected, asked), *_failures(asked), *_pods(expected, pods)]
    unclear = [*_unasked(expected, asked, pods)]
    seen = [f"{len(asked.said)} answers from {', '.join(sorted({one.place for one in asked.said}))}"]
    if asked.active is not None and asked.active == expected.digest:
        seen.append("active has the same model: this is another build of it")
    return Verdict(wrong, unclear, seen if asked.said else ())


def _models(expected: Revision, asked: Asked) -> Iterator[str]:
    wanted = expected.digest
    if wanted is not None and not DIGEST.fullmatch(wanted):
        yield f"the revision does not say which model it has: {wanted!r} is no digest"
    if wanted is None and any(asked.active == one.body for one in asked.said):
        yield "what answers is the model that is active already"
    differing = Counter(
        f"{one.place} names {what} {str(found)[:12]} instead of {str(named)[:12]}"
        for one in asked.said
        for what, found, named in (
            ("in its header the model", one.header, wanted or one.body),
            ("in its answer the model", one.body, wanted),
            ("the version", one.version, expected.version),
        )
        if named is not None and found != named
    )
    yield from (f"{line} ({count} x)" for line, count in differing.most_common())


def _failures(asked: Asked) -> Iterator[str]:
    yield from (f"{reason} ({count} x)" for reason, count in Counter(asked.failures).most_common())


def _pods(expected: Revision, pods: Sequence[Pod] | None) -> Iterator[str]:
    if pods is None:
        return
    if not pods:
        yield "no pod is ready behind the preview's Service"
    for pod in pods:
        if pod.pod_hash != expected.pod_hash:
            yield f"pod {pod.name} is of revision {pod.pod_hash} instead of {expected.pod_hash}"
        if pod.image != expected.image:
            yield f"pod {pod.name} runs {pod.image} instead of {expected.image}"


def _unasked(expected: Revision, asked: Asked, pods: Sequence[Pod] | None) -> Iterator[str]:
    if expected.digest is None:
        yield "nobody said which digest is expected"
    if len(asked.said) < AT_ADDRESS:
        yield f"{len(asked.said)} answers are too few; {AT_ADDRESS} are needed"
    if asked.active_unknown:
        yield f"which model is active can't be told: {asked.active_unknown}"
    silent = {pod.name for pod in pods or ()} - {one.place for one in asked.said}
    yield from (f"pod {name} was not heard" for name in sorted(silent))


def ask(address: str, against: str | None, pods: Sequence[Pod] | None) -> Asked:
    """Ask the address, then each pod by itself."""
    places = [(address, Service(address))] * AT_ADDRESS
    places += [(pod.name, Service(pod.address)) for pod in pods or () for _ in range(AT_POD)]
    asked = _heard(places)
    if against is None:
        return asked
    try:
        return replace(asked, active=Service(against).digest())
    except BROKEN as error:
        return replace(asked, active_unknown=str(error))


def _heard(places: Iterable[tuple[str, Service]]) -> Asked:
    said, failures = [], []
    for number, (place, service) in enumerate(places):
        try:
            said.append(_card(place, service) if number % 2 else _scored(place, service))
        except BROKEN as error:
            failures.append(f"{place}: {error}")
    return Asked(said, failures)


def _card(place: str, service: Service) -> Said:
    headers, card = service.told("/model")
    return _said(place, headers, card)


def _scored(place: str, service: Service) -> Said:
    headers, answer = service.told("/score", {"pull_requests": [PULL_REQUEST]})
    return _said(place, headers, answer.get("model") if isinstance(answer, dict) else None)


def _said(place: str, headers: Mapping[str, str], model: Any) -> Said:
    named = model if isinstance(model, dict) else {}
    return Said(place, headers.get("X-Model-Digest"), named.get("digest"), named.get("version"))
