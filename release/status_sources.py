"""Asks every source that `status` compares; one that isn't there is told apart from one that fails."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from release import git
from release.cluster import Cluster, Serving
from release.images import Release
from release.models import Champion, models
from release.settings import ClusterSettings, GitSettings, ModelSettings
from release.status import Told
from steps.common.errors import SentinelError

Answer = TypeVar("Answer")


def everybody(source: GitSettings, clusters: ClusterSettings, registry: ModelSettings) -> Told:
    """What Git, production's cluster, Argo CD and the registry say."""
    silent: list[str] = []

    def ask(name: str, question: Callable[[], Answer]) -> Answer | str:
        try:
            return question()
        except SentinelError as error:
            silent.append(name)
            return error.problem

    branches = ask("Git", lambda: _branches(source))
    staging, production = (branches, branches) if isinstance(branches, str) else branches
    serving: Serving | str = "not asked: no kubeconfig"
    held: bool | str | None = False
    if clusters.kubeconfig or (Path.home() / ".kube" / "config").is_file():
        serving = ask("the cluster", Cluster(clusters.production_context, clusters.production_namespace).serving)
        held = ask("Argo CD", Cluster(clusters.argo_cd_context, clusters.argo_cd_namespace).held)
    champion: Champion | str = "not asked: no MLFLOW_URI"
    if registry.mlflow_uri:
        champion = ask("the registry", lambda: _champion(registry))
    return Told(staging, production, serving, champion, held is True, tuple(silent))


def _branches(source: GitSettings) -> tuple[Release, Release]:
    with git.clone(source) as clone:
        staging, production = (clone.release(clone.head(branch)) for branch in (git.STAGING, git.PRODUCTION))
    return staging, production


def _champion(registry: ModelSettings) -> Champion | str:
    with models(registry) as known:
        return (known.champion() if known else None) or "there is none"
