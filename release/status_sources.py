"""Queries to every source that `status` compares; a missing source is reported differently from a failing one."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from release import git
from release.cluster import RolloutState, open_argo_cd, open_cluster
from release.image_registry import check_image
from release.images import Release
from release.models import AliasedVersion, open_registry
from release.settings import ClusterSettings, GitSettings, ImageSettings, ModelSettings
from release.status import NONE, StatusReport
from steps.common.errors import NotFound, SentinelError

Answer = TypeVar("Answer")


def collect_status(
    source: GitSettings, clusters: ClusterSettings, registry: ModelSettings, images: ImageSettings
) -> StatusReport:
    """Collect the status of Git, the images that it names, production's cluster, Argo CD and the registry."""
    unavailable: list[str] = []

    def query(name: str, read: Callable[[], Answer]) -> Answer | str:
        try:
            return read()
        except SentinelError as error:
            unavailable.append(name)
            return error.problem

    branches = query("Git", lambda: _read_branches(source))
    staging, production = (branches, branches) if isinstance(branches, str) else branches
    named = {image for one in (staging, production) if isinstance(one, Release) for image in one.images.values()}
    gone = query("the image registry", lambda: _find_gone(sorted(named), images))
    serving: RolloutState | str = "skipped: no kubeconfig"
    held: bool | str | None = False
    if clusters.kubeconfig or (Path.home() / ".kube" / "config").is_file():
        serving = query("the cluster", open_cluster(clusters, "production").read_state)
        held = query("Argo CD", open_argo_cd(clusters, "production").is_held)
    champion: AliasedVersion | str = "skipped: MLFLOW_URI is not set"
    recorded = champion
    if registry.mlflow_uri:
        aliases = query("the registry", lambda: _read_aliases(registry))
        champion, recorded = (aliases, aliases) if isinstance(aliases, str) else aliases
    return StatusReport(
        staging,
        production,
        serving,
        champion,
        recorded,
        held is True,
        tuple(unavailable),
        () if isinstance(gone, str) else gone,
    )


def _read_branches(source: GitSettings) -> tuple[Release, Release]:
    with git.clone(source) as clone:
        staging, production = (clone.release(clone.head(branch)) for branch in (git.STAGING, git.PRODUCTION))
    return staging, production


def _find_gone(references: Iterable[str], settings: ImageSettings) -> tuple[str, ...]:
    """Return the images that their registry no longer has."""
    gone = []
    for reference in references:
        try:
            check_image(reference, settings)
        except NotFound:
            gone.append(reference)
    return tuple(gone)


def _read_aliases(registry: ModelSettings) -> tuple[AliasedVersion | str, AliasedVersion | str]:
    """Return the champion, and the version recorded as production's."""
    with open_registry(registry) as known:
        return (known and known.champion()) or NONE, (known and known.production()) or NONE
