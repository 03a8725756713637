"""From a run to the registry: load, decide, write; the alias `champion` is the one move that anybody sees."""

import logging
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from steps.common import tracking
from steps.common.dataset import Dataset, materialise
from steps.common.errors import DataError, NotFound, Unavailable
from steps.common.settings import RegisterSettings, load
from steps.common.store import open_store
from steps.common.tracking import REGISTERED_MODEL
from steps.register import contenders, gate
from steps.train.evaluation import test_set

logger = logging.getLogger(__name__)
CHAMPION = "champion"
CHALLENGER = "challenger"
WAS_CHAMPION = "was_champion"
"""Tag of a version that has been champion: one that a person took back doesn't come back by itself."""


def decide_and_register(run_id: str, model_uri: str, dataset_uri: str) -> dict[str, str]:
    """Let the gate decide on a training's model, and make it the champion if the gate says yes.

    Returns:
        `version` (empty where refused), `decision` (`accepted`, `refused` or `unchanged`) and `reason`.

    Raises:
        DataError: the run, the model and the dataset don't belong together, or can't be measured.
        NotFound: one of them isn't there.
        Unavailable: MLflow or the store does not answer, or the champion changed meanwhile.
    """
    settings = load(RegisterSettings)
    with tracking.connected(settings) as client, tempfile.TemporaryDirectory() as folder:
        dataset = materialise(open_store(settings), dataset_uri, Path(folder) / "dataset", ("test", "injected"))
        run, registry = client.get_run(run_id), Registry(client)
        challenger = contenders.load(model_uri, Path(folder) / CHALLENGER)
        contenders.check(run, challenger, dataset_uri, dataset.manifest.hash)
        champion = registry.champion()
        decision = _decide(run, challenger, champion, registry, dataset, Path(folder))
        logger.info("decided", extra={"run_id": run_id, "rule": decision.rule, "accepted": decision.accepted})
        if champion and decision.rule == "unchanged":
            registry.settle(champion)
            return _answer(champion.version, "unchanged", decision)
        outcome = _noted(client, run_id, decision)
        if not decision.accepted:
            registry.withdraw(run_id)
            return _answer("", outcome["decision"], decision)
        tags = _tags(run, contenders.data_until(dataset)) | outcome
        version = registry.version(run_id, model_uri, tags)
        registry.promote(version, champion)
        return _answer(version.version, outcome["decision"], decision)


class Registry:
    """Versions and aliases of the one registered model."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def champion(self) -> ModelVersion | None:
        """The version that the alias names."""
        number = self._champion_number()
        return self._client.get_model_version(REGISTERED_MODEL, number) if number else None

    def was_champion(self, model_sha256: str) -> bool:
        """Whether a model of this content has been champion."""
        return any(
            version.tags.get(WAS_CHAMPION) for version in self._versions(f"tags.model_sha256 = '{model_sha256}'")
        )

    def version(self, run_id: str, model_uri: str, tags: Mapping[str, str]) -> ModelVersion:
        """The run's one version with these tags, made where there is none."""
        for found in self._versions(f"run_id = '{run_id}'"):
            for name, value in tags.items():
                self._client.set_model_version_tag(REGISTERED_MODEL, found.version, name, value)
            return found
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

    def settle(self, version: ModelVersion) -> None:
        """Note that a version has been champion."""
        self._client.set_model_version_tag(REGISTERED_MODEL, version.version, WAS_CHAMPION, "true")

    def withdraw(self, run_id: str) -> None:
        """Delete what an interrupted run left of a version that is no longer wanted."""
        for version in self._versions(f"run_id = '{run_id}'"):
            if not version.tags.get(WAS_CHAMPION):
                self._client.delete_model_version(REGISTERED_MODEL, version.version)

    def _champion_number(self) -> str | None:
        for model in self._client.search_registered_models(f"name = '{REGISTERED_MODEL}'"):
            number = model.aliases.get(CHAMPION)
            return str(number) if number else None
        return None

    def _versions(self, condition: str) -> list[ModelVersion]:
        return list(self._client.search_model_versions(f"name = '{REGISTERED_MODEL}' and {condition}"))


def _decide(
    run: Run,
    loaded: contenders.Loaded,
    champion: ModelVersion | None,
    registry: Registry,
    dataset: Dataset,
    folder: Path,
) -> gate.Decision:
    tests = test_set(dataset, loaded.model, set())
    evidence = contenders.evidence(run, tests, dataset.manifest.hash)
    until, taken_back = contenders.data_until(dataset), registry.was_champion(loaded.sha256)
    challenger = contenders.contender("this model", loaded, tests.rows, until, taken_back=taken_back)
    if champion is None:
        return gate.decide(challenger=challenger, champion=None, evidence=evidence)
    name = f"version {champion.version}"
    try:
        opponent = contenders.load(f"models:/{REGISTERED_MODEL}/{champion.version}", folder / CHAMPION)
        rows = test_set(dataset, opponent.model, set()).rows
    except (DataError, NotFound) as error:
        return gate.incomparable(name, error.problem)
    known = champion.tags.get("data_until")
    compared = contenders.contender(name, opponent, rows, datetime.fromisoformat(known) if known else None)
    return gate.decide(challenger=challenger, champion=compared, evidence=evidence)


def _noted(client: MlflowClient, run_id: str, decision: gate.Decision) -> dict[str, str]:
    """The decision in words, which the run keeps too, for a refused model has no version to keep them."""
    word = "accepted" if decision.accepted else "refused"
    outcome = {"decision": word, "rule": decision.rule, "reason": decision.reason}
    for name, value in outcome.items():
        client.set_tag(run_id, name, value)
    return outcome


def _tags(run: Run, until: datetime) -> dict[str, str]:
    """What a version says of itself; `image_digest` follows when there is an image."""
    taken = ("data_hash", "dataset_uri", "git_commit", "model_sha256")
    figures = f"{contenders.FIGURES}.model."
    return {
        **{name: run.data.tags[name] for name in taken},
        **{key.removeprefix(figures): f"{v:.6f}" for key, v in run.data.metrics.items() if key.startswith(figures)},
        "data_until": until.isoformat(),
    }


def _answer(version: str | int, word: str, decision: gate.Decision) -> dict[str, str]:
    return {"version": str(version), "decision": word, "reason": decision.reason}
