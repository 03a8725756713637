"""Registration of a run's model: load, decide, package, write; moving the alias `champion` publishes it."""

import logging
import math
import tempfile
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion

from steps.common import lineage, lineage_names, tracking
from steps.common.dataset import Dataset, materialise
from steps.common.errors import DataError, NotFound
from steps.common.registry import CHALLENGER, CHAMPION, Registry
from steps.common.settings import RegisterSettings, load
from steps.common.store import Store, open_store
from steps.common.tracking import REGISTERED_MODEL
from steps.packaging import archive
from steps.register import contenders, gate, image, package, reference
from steps.register.evidence import Decision
from steps.train.evaluation import test_set

logger = logging.getLogger(__name__)

ACCEPTED = "accepted"
METRIC_PREFIX = "injected.all"
"""Prefix of a run's metrics on all kinds of injected anomalies."""


def decide_and_register(run_id: str, model_uri: str, dataset_uri: str) -> dict[str, str]:
    """Let the gate decide on a trained model; if it accepts, package it, make it champion and request its image.

    Returns:
        `version` (empty where refused), `decision` (`accepted`, `refused` or `unchanged`), `reason`, and the tag of the
        version's Bento in `bento`.

    Raises:
        DataError: the run, the model and the dataset don't belong together, or can't be measured.
        NotFound: one of them does not exist.
        Unavailable: MLflow, the store or GitHub does not answer, or the champion changed meanwhile.
    """
    settings = load(RegisterSettings)
    answer = _decide_and_register(settings, run_id, model_uri, dataset_uri)
    _describe_result(settings, answer)
    return answer


def _decide_and_register(settings: RegisterSettings, run_id: str, model_uri: str, dataset_uri: str) -> dict[str, str]:
    signing_key = settings.model_signing_key.get_secret_value() if settings.model_signing_key else None
    with tracking.connect(settings) as client, tempfile.TemporaryDirectory() as folder:
        store, registry = open_store(settings), Registry(client)
        dataset = materialise(store, dataset_uri, Path(folder) / "dataset", reference.SPLITS)
        run = client.get_run(run_id)
        challenger = contenders.load(model_uri, Path(folder) / CHALLENGER)
        contenders.check(run, challenger, dataset_uri, dataset.manifest.hash)
        champion = registry.get_champion()
        _describe_reads(settings, run_id, dataset_uri, champion)
        judged = _judge(challenger, champion, registry, Source(store, dataset, dataset_uri), Path(folder))
        decision = judged.decision
        logger.info("decided", extra={"run_id": run_id, "rule": decision.rule, "accepted": decision.accepted})
        if champion and decision.rule == "unchanged":
            registry.tag_as_champion(champion)
            bento = package.ensure(registry, store, champion, signing_key)
            image.ensure(settings, registry, champion)
            return _build_output(champion.version, "unchanged", decision, bento)
        outcome = _record_decision(client, run_id, decision)
        if not decision.accepted:
            _withdraw(registry, store, run_id)
            _rebuild_bento(registry, store, champion, signing_key)
            return _build_output("", outcome["decision"], decision, "")
        tags = _build_tags(run, contenders.get_data_until(dataset)) | judged.tags | outcome
        version = registry.ensure_version(run_id, model_uri, tags)
        bento = package.ensure(registry, store, version, signing_key)
        registry.promote(version, champion)
        image.ensure(settings, registry, version)
        return _build_output(version.version, outcome["decision"], decision, bento)


def _describe_reads(settings: RegisterSettings, run_id: str, dataset_uri: str, champion: ModelVersion | None) -> None:
    """Record in the lineage what is judged: the run, on the dataset, against the champion."""
    place = tracking.format_uri(settings)
    reads = [lineage_names.build_run(place, tracking.EXPERIMENT, run_id), lineage_names.build_file(dataset_uri)]
    if champion:
        reads.append(lineage_names.build_model_version(place, REGISTERED_MODEL, str(champion.version)))
    lineage.describe(reads=reads)


def _describe_result(settings: RegisterSettings, answer: dict[str, str]) -> None:
    """Record in the lineage the decision, and the version with its Bento if there is a new one."""
    lineage.describe(tags={"decision": answer["decision"], "reason": answer["reason"]})
    if answer["decision"] == ACCEPTED:
        place = tracking.format_uri(settings)
        version = lineage_names.build_model_version(place, REGISTERED_MODEL, answer["version"])
        bento = lineage_names.build_bento(f"{settings.store_url}/{archive.FOLDER}", answer["bento"])
        lineage.describe(writes=[version, bento])


def _withdraw(registry: Registry, store: Store, run_id: str) -> None:
    """Delete what an interrupted run left of a version that is now refused, its Bento first."""
    for version in registry.list_unfinished(run_id):
        store.delete(f"{archive.FOLDER}/{version.version}")
        registry.delete(version)


def _rebuild_bento(registry: Registry, store: Store, champion: ModelVersion | None, signing_key: str | None) -> None:
    """Rebuild the Bento of a champion that stays, from today's code; keep the old one if the code refuses the model."""
    if champion is None:
        return
    try:
        package.ensure(registry, store, champion, signing_key)
    except DataError as error:
        logger.warning(
            "could not rebuild the champion's Bento", extra={"version": champion.version, "problem": error.problem}
        )


class Source(NamedTuple):
    """The challenger's dataset, its URI, and the store that it is in."""

    store: Store
    dataset: Dataset
    uri: str


class Judgement(NamedTuple):
    """The decision, and the tags that a version gets for its figure on the reference set."""

    decision: Decision
    tags: dict[str, str]


def _judge(
    loaded: contenders.LoadedModel,
    champion: ModelVersion | None,
    registry: Registry,
    source: Source,
    folder: Path,
) -> Judgement:
    dataset = source.dataset
    tests = test_set(dataset, loaded.model, set())
    evidence = contenders.collect_evidence(loaded, tests, dataset.manifest.hash)
    until, was_demoted = contenders.get_data_until(dataset), registry.has_been_champion(loaded.sha256)
    challenger = contenders.build_contender("this model", loaded, tests.rows, until, was_demoted=was_demoted)
    if champion is None:
        decision = gate.decide(challenger=challenger, champion=None, evidence=evidence)
        figure = evidence.precision(challenger.scores) if decision.accepted else math.nan
        return Judgement(decision, reference.build_tags(source.uri, figure))
    name = f"version {champion.version}"
    try:
        opponent = contenders.load(f"models:/{REGISTERED_MODEL}/{champion.version}", folder / CHAMPION)
        rows = test_set(dataset, opponent.model, set()).rows
    except (DataError, NotFound) as error:
        return Judgement(gate.refuse_incomparable(name, error.problem), {})
    known = champion.tags.get("data_until")
    compared = contenders.build_contender(name, opponent, rows, datetime.fromisoformat(known) if known else None)
    # A champion from before there was a reference set hands on none: it begins here.
    uri = champion.tags.get(reference.URI_TAG, source.uri)
    try:
        held = dataset if uri == source.uri else reference.load(source.store, uri, folder / "reference")
        figures = reference.compare(loaded.model, (champion, opponent.model), registry, held, uri)
    except (DataError, NotFound) as error:
        return Judgement(gate.refuse_incomparable("The reference set", error.problem), {})
    decision = gate.decide(challenger=challenger, champion=compared, evidence=evidence, reference=figures)
    return Judgement(decision, reference.build_tags(uri, figures.found))


def _record_decision(client: MlflowClient, run_id: str, decision: Decision) -> dict[str, str]:
    """Record the decision on the run, since a refused model has no version, and return its tags."""
    word = ACCEPTED if decision.accepted else "refused"
    outcome = {"decision": word, "rule": decision.rule, "reason": decision.reason}
    for name, value in outcome.items():
        client.set_tag(run_id, name, value)
    return outcome


def _build_tags(run: Run, until: datetime) -> dict[str, str]:
    """Build the tags of a version; IMAGE_DIGEST is added when production has it."""
    taken = ("data_hash", "dataset_uri", "git_commit", "model_sha256")
    figures = f"{METRIC_PREFIX}.model."
    return {
        **{name: run.data.tags[name] for name in taken},
        **{key.removeprefix(figures): f"{v:.6f}" for key, v in run.data.metrics.items() if key.startswith(figures)},
        "data_until": until.isoformat(),
    }


def _build_output(version: str | int, word: str, decision: Decision, bento: str) -> dict[str, str]:
    return {"version": str(version), "decision": word, "reason": decision.reason, "bento": bento}
