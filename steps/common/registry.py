"""Versions and aliases of the registered model; moving the alias `champion` is what makes a new model visible.

The champion is the model that the gate has accepted last, which staging gets. `production` is the one that production's
users get, which lags behind for as long as staging has not proved the champion.
"""

from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from steps.common.errors import NotFound, Unavailable
from steps.common.tracking import REGISTERED_MODEL

CHAMPION = "champion"
CHALLENGER = "challenger"
PRODUCTION = "production"
IMAGE_DIGEST = "image_digest"
"""The tag with the digest of the image in which production's users got a version last."""
WAS_CHAMPION = "was_champion"
"""The tag of a version that has been champion: once demoted, it does not become champion again by itself."""


class Registry:
    """The versions and aliases of the registered model."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def get_champion(self) -> ModelVersion | None:
        """Return the version with the alias `champion`, or None."""
        return self._get_aliased(CHAMPION)

    def get_production(self) -> ModelVersion | None:
        """Return the version with the alias `production`, or None."""
        return self._get_aliased(PRODUCTION)

    def get_version(self, number: str) -> ModelVersion:
        """Return the version with this number.

        Raises:
            NotFound: it does not exist.
        """
        for found in self._search_versions(
            f"version_number = {int(number)}" if number.isdecimal() else "version_number = 0"
        ):
            return found
        raise NotFound(
            f"There is no version {number} of {REGISTERED_MODEL}.", advice="Run `make mlflow` to see the versions."
        )

    def has_been_champion(self, model_sha256: str) -> bool:
        """Return whether a model with this hash has been champion."""
        return any(
            version.tags.get(WAS_CHAMPION) for version in self._search_versions(f"tags.model_sha256 = '{model_sha256}'")
        )

    def list_champions(self) -> list[ModelVersion]:
        """Return all versions that are, or have been, champion."""
        return self._search_versions(f"tags.{WAS_CHAMPION} = 'true'")

    def list_versions(self) -> list[ModelVersion]:
        """Return all versions."""
        return self._search_versions("version_number > 0")

    def ensure_version(self, run_id: str, model_uri: str, tags: Mapping[str, str]) -> ModelVersion:
        """Return the run's version with these tags, creating it if necessary."""
        for found in self._search_versions(f"run_id = '{run_id}'"):
            self.set_tags(found, tags)
            return self._client.get_model_version(REGISTERED_MODEL, found.version)
        try:
            self._client.create_registered_model(REGISTERED_MODEL)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return self._client.create_model_version(
            REGISTERED_MODEL,
            model_uri,
            run_id,
            tags=dict(tags),
            model_id=model_uri.removeprefix("models:/"),  # a server requires it, a database doesn't
            await_creation_for=0,
        )

    def set_tags(self, version: ModelVersion, tags: Mapping[str, str]) -> None:
        """Set tags of a version, one after the other."""
        for name, value in tags.items():
            self._client.set_model_version_tag(REGISTERED_MODEL, version.version, name, value)

    def promote(self, version: ModelVersion, compared: ModelVersion | None) -> None:
        """Make a version champion, if the champion is still the one that it was compared with.

        Raises:
            Unavailable: the champion has changed; a retry compares with the new one.
        """
        self._client.set_registered_model_alias(REGISTERED_MODEL, CHALLENGER, version.version)
        if self._find_number(CHAMPION) != (str(compared.version) if compared else None):
            raise Unavailable("The champion changed while this model was compared with it.", advice="Run it again.")
        self._client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version.version)
        self.tag_as_champion(version)

    def restore(self, version: ModelVersion) -> None:
        """Make a former champion champion again."""
        self._client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version.version)

    def record_production(self, version: ModelVersion, image_digest: str) -> None:
        """Record that production's users get a version, and the digest of the image in which they get it."""
        self.set_tags(version, {IMAGE_DIGEST: image_digest})
        self._client.set_registered_model_alias(REGISTERED_MODEL, PRODUCTION, version.version)

    def tag_as_champion(self, version: ModelVersion) -> None:
        """Record that a version has been champion."""
        self.set_tags(version, {WAS_CHAMPION: "true"})

    def list_unfinished(self, run_id: str) -> list[ModelVersion]:
        """Return a run's versions that never became champion, which interrupted attempts left."""
        return [found for found in self._search_versions(f"run_id = '{run_id}'") if not found.tags.get(WAS_CHAMPION)]

    def delete(self, version: ModelVersion) -> None:
        """Delete a version."""
        self._client.delete_model_version(REGISTERED_MODEL, version.version)

    def _get_aliased(self, alias: str) -> ModelVersion | None:
        number = self._find_number(alias)
        return self._client.get_model_version(REGISTERED_MODEL, number) if number else None

    def _find_number(self, alias: str) -> str | None:
        for model in self._client.search_registered_models(f"name = '{REGISTERED_MODEL}'"):
            number = model.aliases.get(alias)
            return str(number) if number else None
        return None

    def _search_versions(self, condition: str) -> list[ModelVersion]:
        return list(self._client.search_model_versions(f"name = '{REGISTERED_MODEL}' and {condition}"))
