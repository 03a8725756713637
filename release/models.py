"""The model registry as a release needs it: the champion, the facts about a version, and going back to one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from release.evidence import VersionCard
from release.settings import ModelSettings
from steps.common.errors import NotFound
from steps.common.registry import Registry
from steps.common.settings import TrackingSettings
from steps.common.tracking import connect

SHOWN_TAGS = ("average_precision", "data_", "decision", "reason", "rule", "git_commit")


class ChampionVersion(NamedTuple):
    """The champion's version and its age."""

    version: str
    age_days: float


class ModelRegistry:
    """The registered model versions."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def champion(self) -> ChampionVersion | None:
        """Return the champion, with its age since registration."""
        found = self._registry.get_champion()
        if found is None:
            return None
        made = datetime.fromtimestamp(found.creation_timestamp / 1_000, UTC)
        return ChampionVersion(str(found.version), (datetime.now(UTC) - made).total_seconds() / 86_400)

    def card(self, version: str) -> VersionCard | None:
        """Return the facts about a version; None if there is no such version."""
        try:
            found = self._registry.get_version(version)
        except NotFound:
            return None
        facts = {name: value for name, value in found.tags.items() if any(word in name for word in SHOWN_TAGS)}
        return VersionCard(version, str(found.run_id), facts)

    def go_back(self, version: str) -> None:
        """Make a version the champion again."""
        self._registry.restore(self._registry.get_version(version))


@contextmanager
def open_registry(settings: ModelSettings) -> Iterator[ModelRegistry | None]:
    """Open the registry named by the settings; None if MLFLOW_URI is not set."""
    if settings.mlflow_uri is None:
        yield None
        return
    with connect(TrackingSettings(mlflow_uri=settings.mlflow_uri)) as client:
        yield ModelRegistry(Registry(client))
