"""Whether Git, production's Rollout and the registry agree. Pure: what each said comes in, lines go out."""

from typing import NamedTuple

from release.cluster import Serving
from release.images import SERVE, UNRELEASED, Model, Release
from release.models import Champion

SHOWN_DIGITS = 12
FEWEST = 2
"""Sources that can disagree."""


class Told(NamedTuple):
    """What each source said, or in words why it said nothing; `silent` are those that should have, and didn't."""

    staging: Release | str
    production: Release | str
    serving: Serving | str
    champion: Champion | str
    held: bool = False
    silent: tuple[str, ...] = ()


def lines(told: Told) -> list[tuple[str, str]]:
    """What each source says, one line each: its name, its words."""
    return [
        ("Git, staging", _release(told.staging)),
        ("Git, main", _release(told.production)),
        *_serving(told.serving),
        ("Registry, champion", _champion(told.champion)),
    ]


def disagreements(told: Told) -> list[str]:
    """Each way in which the sources that were asked disagree; nothing where they agree."""
    said = [f"{name} did not answer" for name in told.silent]
    main = told.production if isinstance(told.production, Release) else None
    serving = told.serving if isinstance(told.serving, Serving) else None
    champion = told.champion.version if isinstance(told.champion, Champion) else None
    active = serving.revision(serving.active) if serving else None
    if told.held:
        said.append("Argo CD leaves production alone: merge the rollback's pull request, and run the rollback again")
    if serving and active is None:
        said.append("no revision of the Rollout is active")
    if main and active and main.images.get(SERVE) != active.image:
        said.append(f"main names {main.images.get(SERVE, 'no image')}, and users get {active.image}")
    if main and active and main.model != active.model:
        said.append(f"main names {_model(main.model)}, and users get {_model(active.model)}")
    if champion and active and active.model.version != champion:
        said.append(f"the champion is version {champion}, and users get {active.model.version}")
    if champion and main and not active and main.model.version != champion:
        said.append(f"the champion is version {champion}, and main names {main.model.version}")
    if serving and serving.aborted:
        said.append("the Rollout is aborted: the stable revision answers, and Git asks for another")
    if sum(one is not None for one in (main, active, champion)) < FEWEST:
        said.append("fewer than two of main, users and the champion are known, so nothing can be compared")
    return said


def _model(model: Model) -> str:
    return f"model version {model.version} ({model.digest[:SHOWN_DIGITS]})"


def _release(told: Release | str) -> str:
    if isinstance(told, str):
        return told
    if told.model.version == UNRELEASED:
        return "nothing released yet"
    return f"version {told.model.version}, {told.digest() or 'no image'}"


def _serving(told: Serving | str) -> list[tuple[str, str]]:
    if isinstance(told, str):
        return [("Rollout", told)]
    out = []
    for name, pod_hash in (("active", told.active), ("preview", told.preview)):
        revision = told.revision(pod_hash)
        words = f"version {revision.model.version}, {revision.image.rpartition('@')[2]}" if revision else "nothing"
        out.append((f"Rollout, {name}", words))
    return out


def _champion(told: Champion | str) -> str:
    return told if isinstance(told, str) else f"version {told.version}, {told.age_days:.1f} days old"
