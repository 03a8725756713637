"""The comparison of Git, production's Rollout and the registry. Pure functions."""

from typing import NamedTuple

from release.cluster import RolloutState
from release.images import SERVE, UNRELEASED, Release, ReleasedModel
from release.models import ChampionVersion

SHOWN_DIGITS = 12
MIN_SOURCES = 2
"""Sources needed for a comparison."""


class StatusReport(NamedTuple):
    """The state of each source, or a text that says why it is missing; `unavailable` names the sources that failed."""

    staging: Release | str
    production: Release | str
    rollout: RolloutState | str
    champion: ChampionVersion | str
    is_held: bool = False
    unavailable: tuple[str, ...] = ()


def format_lines(report: StatusReport) -> list[tuple[str, str]]:
    """Return a line for each source: its name and its state."""
    return [
        ("Git, staging", _format_release(report.staging)),
        ("Git, main", _format_release(report.production)),
        *_format_rollout(report.rollout),
        ("Registry, champion", _format_champion(report.champion)),
    ]


def find_disagreements(report: StatusReport) -> list[str]:
    """Return every disagreement between the sources; empty if they agree."""
    found = [f"{name} did not respond" for name in report.unavailable]
    main = report.production if isinstance(report.production, Release) else None
    serving = report.rollout if isinstance(report.rollout, RolloutState) else None
    champion = report.champion.version if isinstance(report.champion, ChampionVersion) else None
    active = serving.revision(serving.active) if serving else None
    if report.is_held:
        found.append("Argo CD is paused for production: merge the rollback's pull request, then run the rollback again")
    if serving and active is None:
        found.append("no revision of the Rollout is active")
    if main and active and main.images.get(SERVE) != active.image:
        found.append(f"main names {main.images.get(SERVE, 'no image')}, but users get {active.image}")
    if main and active and main.model != active.model:
        found.append(f"main names {_format_model(main.model)}, but users get {_format_model(active.model)}")
    if champion and active and active.model.version != champion:
        found.append(f"the champion is version {champion}, but users get {active.model.version}")
    if champion and main and not active and main.model.version != champion:
        found.append(f"the champion is version {champion}, but main names {main.model.version}")
    if serving and serving.aborted:
        found.append("the Rollout is aborted: the stable revision serves, but Git asks for another")
    if sum(one is not None for one in (main, active, champion)) < MIN_SOURCES:
        found.append("fewer than two of main, users and the champion are known, so nothing can be compared")
    return found


def _format_model(model: ReleasedModel) -> str:
    return f"model version {model.version} ({model.digest[:SHOWN_DIGITS]})"


def _format_release(release: Release | str) -> str:
    if isinstance(release, str):
        return release
    if release.model.version == UNRELEASED:
        return "nothing released yet"
    return f"version {release.model.version}, {release.digest() or 'no image'}"


def _format_rollout(rollout: RolloutState | str) -> list[tuple[str, str]]:
    if isinstance(rollout, str):
        return [("Rollout", rollout)]
    out = []
    for name, pod_hash in (("active", rollout.active), ("preview", rollout.preview)):
        revision = rollout.revision(pod_hash)
        words = f"version {revision.model.version}, {revision.image.rpartition('@')[2]}" if revision else "nothing"
        out.append((f"Rollout, {name}", words))
    return out


def _format_champion(champion: ChampionVersion | str) -> str:
    return champion if isinstance(champion, str) else f"version {champion.version}, {champion.age_days:.1f} days old"
