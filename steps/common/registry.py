"""Versions and aliases of the one registered model; the alias `champion` is the one move that anybody sees."""

from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from steps.common.errors import NotFound, Unavailable
from steps.common.tracking import REGISTERED_MODEL

CHAMPION = "champion"
CHALLENGER = "challenger"
WAS_CHAMPION = "was_champion"
"""Tag of a version that has been champion: one that a person took back doesn't come back by itself."""


class Registry:
    """Versions and aliases of the one registered model."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def champion(self) -> ModelVersion | None:
        """The version that the alias names."""
        number = self._champion_number()
        return self._client.get_model_version(REGISTERED_MODEL, number) if number else None

    def get(self, number: str) -> ModelVersion:
        """A version by its number.

        Raises:
            NotFound: there is none.
        """
        for found in self._versions(f"version_number = {int(number)}" if number.isdecimal() else "version_number = 0"):
            return found
        raise NotFound(f"There is no version {number} of {REGISTERED_MODEL}.", advice="Look for it: make mlflow")

    def was_champion(self, model_sha256: str) -> bool:
        """Whether a model of this content has been champion."""
        return any(
            version.tags.get(WAS_CHAMPION) for version in self._versions(f"tags.model_sha256 = '{model_sha256}'")
        )

    def version(self, run_id: str, model_uri: str, tags: Mapping[str, str]) -> ModelVersion:
        """The run's one version with these tags, made where there is none."""
        for found in self._versions(f"run_id = '{run_id}'"):
            self.describe(found, tags)
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
            model_id=model_uri.removeprefix("models:/"),  # a server asks for it, a database doesn't
            await_creation_for=0,
        )

    def describe(self, version: ModelVersion, tags: Mapping[str, str]) -> None:
        """Give a version these tags, one after the other."""
        for name, value in tags.items():
            self._client.set_model_version_tag(REGISTERED_MODEL, version.version, name, value)

    def promote(self, version: ModelVersion, seen: ModelVersion | None) -> None:
        """Make a version champion, if the champion is still the one that it was compared with.

        Raises:
            Unavailable: it isn't; another try compares with the new one.
        """
        self._client.set_registered_model_alias(REGISTERED_MODEL, CHALLENGER, version.version)
        if self._champion_number() != (str(seen.version) if seen else None):
            raise Unavailable("The champion changed while this model was compared with it.", advice="Run it again.")
        self._client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version.version)
        self.settle(version)

    def go_back(self, version: ModelVersion) -> None:
        """Make a version champion that has been it before."""
        self._client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version.version)

    def settle(self, version: ModelVersion) -> None:
        """Note that a version has been champion."""
        self.describe(version, {WAS_CHAMPION: "true"})

    def unfinished(self, run_id: str) -> list[ModelVersion]:
        """What interrupted tries left of a run's version that never became champion."""
        return [found for found in self._versions(f"run_id = '{run_id}'") if not found.tags.get(WAS_CHAMPION)]

    def delete(self, version: ModelVersion) -> None:
        """Take a version away."""
        self._client.delete_model_version(REGISTERED_MODEL, version.version)

    def _champion_number(self) -> str | None:
        for model in self._client.search_registered_models(f"name = '{REGISTERED_MODEL}'"):
            number = model.aliases.get(CHAMPION)
            return str(number) if number else None
        return None

    def _versions(self, condition: str) -> list[ModelVersion]:
        return list(self._client.search_model_versions(f"name = '{REGISTERED_MODEL}' and {condition}"))
