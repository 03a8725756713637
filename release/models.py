"""The model registry as a release needs it: its aliases, the facts about a version, and going back to one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from release.evidence import VersionCard
from release.images import Release
from release.settings import ModelSettings
from steps.common.errors import NotFound
from steps.common.settings import TrackingSettings

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from steps.common.registry import Registry

SHOWN_TAGS = ("average_precision", "data_", "decision", "reason", "rule", "git_commit")


class AliasedVersion(NamedTuple):
    """The version that an alias is at, and its age since registration."""

    version: str
    age_days: float


class ModelRegistry:
    """The registered model versions."""

    def __init__(self, registry: "Registry") -> None:
        self._registry = registry

    def champion(self) -> AliasedVersion | None:
        """Return the champion, which staging gets."""
        return _read_age(self._registry.get_champion())

    def production(self) -> AliasedVersion | None:
        """Return the version that is recorded as production's."""
        return _read_age(self._registry.get_production())

    def record_production(self, release: Release) -> None:
        """Record the version of a release as production's, with the digest of its image.

        Raises:
            NotFound: there is no such version.
        """
        self._registry.record_production(self._registry.get_version(release.model.version), str(release.digest()))

    def card(self, version: str) -> VersionCard | None:
        """Return the facts about a version; None if there is no such version."""
        try:
            found = self._registry.get_version(version)
        except NotFound:
            return None
        facts = {name: value for name, value in found.tags.items() if any(word in name for word in SHOWN_TAGS)}
        return VersionCard(version, str(found.run_id), facts)

    def go_back(self, release: Release) -> None:
        """Make the version of a release the champion again, and record it as production's."""
        self._registry.restore(self._registry.get_version(release.model.version))
        self.record_production(release)


def _read_age(found: "ModelVersion | None") -> AliasedVersion | None:
    if found is None:
        return None
    made = datetime.fromtimestamp(found.creation_timestamp / 1_000, UTC)
    return AliasedVersion(str(found.version), (datetime.now(UTC) - made).total_seconds() / 86_400)


@contextmanager
def open_registry(settings: ModelSettings) -> Iterator[ModelRegistry | None]:
    """Open the registry named by the settings; None if MLFLOW_URI is not set."""
    if settings.mlflow_uri is None:
        yield None
        return
    # MLflow takes seconds to import.
    from steps.common.registry import Registry
    from steps.common.tracking import connect

    with connect(TrackingSettings(mlflow_uri=settings.mlflow_uri)) as client:
        yield ModelRegistry(Registry(client))
