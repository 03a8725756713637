"""The comparison of Git, production's Rollout and the registry. Pure functions."""

from collections.abc import Iterator
from typing import NamedTuple

from release.cluster import RolloutRevision, RolloutState
from release.images import SERVE, UNRELEASED, Release, ReleasedModel
from release.models import AliasedVersion
from steps.common.errors import DataError

SHOWN_DIGITS = 12
NONE = "none"
"""The text for an alias that is at no version."""
MIN_SOURCES = 2
"""Sources needed for a comparison."""


class StatusReport(NamedTuple):
    """The state of each source, or a text that says why it is missing; `unavailable` names the sources that failed.

    `champion` and `recorded` are the registry's: the version that staging gets, and the one recorded as production's.
    `gone` are images that Git names and their registry has deleted.
    """

    staging: Release | str
    production: Release | str
    rollout: RolloutState | str
    champion: AliasedVersion | str
    recorded: AliasedVersion | str
    is_held: bool = False
    unavailable: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def format_lines(report: StatusReport) -> list[tuple[str, str]]:
    """Return a line for each source: its name and its state."""
    return [
        ("Git, staging", _format_release(report.staging)),
        ("Git, main", _format_release(report.production)),
        *_format_rollout(report.rollout),
        ("Registry, champion", _format_version(report.champion)),
        ("Registry, production", _format_version(report.recorded)),
    ]


def find_disagreements(report: StatusReport) -> list[str]:
    """Return every disagreement between the sources; empty if they agree."""
    found = [f"{name} did not respond" for name in report.unavailable]
    found += [f"Git names {image}, which its registry no longer has" for image in report.gone]
    main = report.production if isinstance(report.production, Release) else None
    serving = report.rollout if isinstance(report.rollout, RolloutState) else None
    active = serving.revision(serving.active) if serving else None
    if report.is_held:
        found.append("Argo CD is paused for production: merge the rollback's pull request, then run the rollback again")
    if serving and active is None:
        found.append("no revision of the Rollout is active")
    if main and active and main.images.get(SERVE) != active.image:
        found.append(f"main names {main.images.get(SERVE, 'no image')}, but users get {active.image}")
    if main and active and main.model != active.model:
        found.append(f"main names {_format_model(main.model)}, but users get {_format_model(active.model)}")
    found += _find_registry_disagreements(report, main, active)
    if serving and serving.aborted:
        found.append("the Rollout is aborted: the stable revision serves, but Git asks for another")
    if sum(one is not None for one in (main, active, _find_recorded(report))) < MIN_SOURCES:
        found.append("fewer than two of main, users and the registry are known, so nothing can be compared")
    return found


def _find_registry_disagreements(
    report: StatusReport, main: Release | None, active: RolloutRevision | None
) -> Iterator[str]:
    """Yield where the champion is not staging's, or the alias `production` not that of users, or of main."""
    if isinstance(report.champion, AliasedVersion) and isinstance(report.staging, Release):
        champion, named = report.champion.version, report.staging.model.version
        if champion != named:
            yield f"the champion is version {champion}, but staging names {named}"
    recorded, others = _find_recorded(report), active or main
    if recorded and others and recorded != f"version {others.model.version}":
        who = "users get" if active else "main names"
        yield f"the registry's alias production is at {recorded}, but {who} {others.model.version}"


def _find_recorded(report: StatusReport) -> str | None:
    """Return the version that the registry records as production's; None if the registry is not known."""
    if isinstance(report.recorded, AliasedVersion):
        return f"version {report.recorded.version}"
    return "no version" if report.recorded == NONE else None


def require_released(main: Release, serving: RolloutState) -> str:
    """Return the version that main names, if production's users get it and it has passed its live metrics.

    Raises:
        DataError: they get another one, or it has not passed yet.
    """
    if pending := find_pending(main, serving):
        raise pending
    return main.model.version


def find_pending(main: Release, serving: RolloutState) -> DataError | None:
    """Return why the version that main names is not released; None if users get it, and it has passed."""
    active = serving.revision(serving.active)
    if active is None or (active.image, active.model) != (main.images.get(SERVE), main.model):
        got = f"version {active.model.version}" if active else "none"
        return DataError(
            f"main names version {main.model.version}, but users get {got}.",
            advice="Promote it in production first; `make status` shows the rest.",
        )
    if serving.active != serving.stable:
        return DataError(
            f"Users get version {main.model.version}, but its live metrics have not passed yet.",
            advice="Run the command again when the Rollout is Healthy.",
        )
    return None


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


def _format_version(found: AliasedVersion | str) -> str:
    return found if isinstance(found, str) else f"version {found.version}, {found.age_days:.1f} days old"
