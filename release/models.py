"""The registry of models, as far as a release needs it: which is champion, what a version tells, going back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from release.evidence import Card
from release.settings import ModelSettings
from steps.common.errors import NotFound
from steps.common.registry import Registry
from steps.common.settings import TrackingSettings
from steps.common.tracking import connect

SHOWN = ("average_precision", "data_", "decision", "reason", "rule", "git_commit")


class Champion(NamedTuple):
    """The champion's version, and how old it is."""

    version: str
    age_days: float


class Models:
    """The registered versions."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def champion(self) -> Champion | None:
        """The champion, and its age since it was registered."""
        found = self._registry.get_champion()
        if found is None:
            return None
        made = datetime.fromtimestamp(found.creation_timestamp / 1_000, UTC)
        return Champion(str(found.version), (datetime.now(UTC) - made).total_seconds() / 86_400)

    def card(self, version: str) -> Card | None:
        """What the registry tells of a version; None where it has no such."""
        try:
            found = self._registry.get_version(version)
        except NotFound:
            return None
        told = {name: value for name, value in found.tags.items() if any(word in name for word in SHOWN)}
        return Card(version, str(found.run_id), told)

    def go_back(self, version: str) -> None:
        """Make a version champion again."""
        self._registry.restore(self._registry.get_version(version))


@contextmanager
def models(settings: ModelSettings) -> Iterator[Models | None]:
    """The registry that the settings name; None where they name none."""
    if settings.mlflow_uri is None:
        yield None
        return
    with connect(TrackingSettings(mlflow_uri=settings.mlflow_uri)) as client:
        yield Models(Registry(client))
