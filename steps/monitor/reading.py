"""What the comparison reads: the champion's reference from its dataset, and what was opened since.

Recent are the pull requests of the newest dataset that the champion's own does not have, and the predictions that the
champion made on webhook deliveries. Where both know a pull request, the prediction counts: it is what happened.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from mlflow.entities.model_registry import ModelVersion
from pymongo.database import Database

from steps.common.dataset import OVERALL, Dataset, Manifest, format_dataset_uri, load_manifest, materialise
from steps.common.errors import DataError, NotFound
from steps.common.mongo import Document
from steps.common.store import Store
from steps.monitor.comparison import MAX_REFERENCE, SCORE, WINDOW, Pair, Sample, concatenate
from steps.packaging import archive
from steps.scoring.arrays import Floats
from steps.scoring.artefact import GOLDEN_REPOSITORY, MANIFEST
from steps.scoring.model import Model
from steps.scoring.thresholds import replay
from steps.train.data import batches

REFERENCE_SPLITS = ("validation", "test")
"""Those that the network was not trained on."""
ALL_SPLITS = ("train", *REFERENCE_SPLITS)
WEBHOOK = "/webhook"
"""The route of what was opened or updated on GitHub; others have scores that anybody asked for."""
OWN_HISTORY, HOUR = "own_history", "hour_of_opening"
MODEL_FOLDER = "model"
HOUR_SECONDS, DAY_HOURS = 3_600, 24


class Champion(NamedTuple):
    """The champion: its version, its model and the manifest of its dataset."""

    version: ModelVersion
    model: Model
    manifest: Manifest

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names of what is compared."""
        return list_quantities(self.model)


class RecentSamples(NamedTuple):
    """What was opened since, by repository, how many of these no dataset has, and the newest dataset's manifest."""

    samples: dict[str, Sample]
    unseen: int
    newest: Manifest


@dataclass(frozen=True)
class _Rows:
    """Some pull requests of one repository, in the order of their opening: a dataset's rows or predictions."""

    numbers: Floats
    opened: Floats
    features: Floats

    def newest(self, most: int) -> "_Rows":
        order = np.lexsort((self.numbers, self.opened))[-most:]
        return _Rows(self.numbers[order], self.opened[order], self.features[order])

    def join(self, other: "_Rows") -> "_Rows":
        return _Rows(
            np.concatenate([self.numbers, other.numbers]),
            np.concatenate([self.opened, other.opened]),
            np.concatenate([self.features, other.features]),
        )


def list_quantities(model: Model) -> tuple[str, ...]:
    """List the names of what is compared."""
    return (*model.names, SCORE, HOUR, OWN_HISTORY)


def load_champion(version: ModelVersion, store: Store, folder: Path) -> Champion:
    """Load the champion from its Bento, and the manifest of its dataset.

    Raises:
        NotFound: it has no Bento, or its dataset no longer exists.
        DamagedArtefact: the Bento, the model or the manifest is not what its hash says.
    """
    if archive.KEY_TAG not in version.tags:
        raise NotFound(f"Version {version.version}, the champion, has no Bento.", advice=archive.AGAIN)
    bento = archive.unpack(store, version.tags[archive.KEY_TAG], folder)
    (place,) = (path.parent for path in bento.rglob(MANIFEST) if path.parent.name == MODEL_FOLDER)
    return Champion(version, Model.load(place), load_manifest(store, version.tags["dataset_uri"]))


def read_reference(champion: Champion, store: Store, folder: Path) -> dict[str, Sample]:
    """Read the newest pull requests of the champion's dataset that its network was not trained on, by repository."""
    dataset = materialise(store, champion.version.tags["dataset_uri"], folder, REFERENCE_SPLITS)
    found = _read_rows(dataset, REFERENCE_SPLITS, champion.model)
    return {name: build_sample(champion.model, name, rows.opened, rows.features) for name, rows in found.items()}


def read_recent(champion: Champion, store: Store, database: Database[Document], folder: Path) -> RecentSamples:
    """Read what was opened since the champion's dataset, by repository."""
    newest = _load_newest_manifest(store, database) or champion.manifest
    rows: dict[str, _Rows] = {}
    if newest.hash != champion.manifest.hash:
        dataset = materialise(store, format_dataset_uri(store, newest.hash), folder, ALL_SPLITS)
        since = {name: share.last for name, share in champion.manifest.repositories.items()}
        rows = _read_rows(dataset, ALL_SPLITS, champion.model, since)
    samples = {name: build_sample(champion.model, name, own.opened, own.features) for name, own in rows.items()}
    unseen = 0
    for name in _list_predicted(database, champion.model.digest):
        share = champion.manifest.repositories.get(name)
        documents = _find_predictions(database, champion.model.digest, name, share.last if share else None)
        known = set(rows[name].numbers.tolist()) if name in rows else set()
        unseen += sum(number not in known for number in documents)
        samples[name] = _join_predictions(samples.get(name), rows.get(name), documents, len(champion.quantities))
    return RecentSamples(samples, unseen, newest)


def build_pairs(reference: Mapping[str, Sample], recent: Mapping[str, Sample]) -> dict[str, Pair]:
    """Pair what is known of each repository; where one side knows nothing of it, that side is empty."""
    width = next((sample.values.shape[1] for sample in (*reference.values(), *recent.values())), 0)
    nothing = Sample(np.empty(0), np.empty((0, width)), np.empty(0, bool))
    names = sorted(reference.keys() | recent.keys())
    return {name: Pair(reference.get(name, nothing), recent.get(name, nothing)) for name in names}


def find_current_dataset(database: Database[Document]) -> str | None:
    """Return the hash of the dataset whose histories are in MongoDB."""
    document = database.history.find_one({"_id": OVERALL}, {"dataset": 1}) or {}
    return document.get("dataset")


def _load_newest_manifest(store: Store, database: Database[Document]) -> Manifest | None:
    current = find_current_dataset(database)
    try:
        return load_manifest(store, format_dataset_uri(store, current)) if current else None
    except (NotFound, DataError):
        return None


def _read_rows(
    dataset: Dataset, splits: tuple[str, ...], model: Model, since: Mapping[str, datetime] | None = None
) -> dict[str, _Rows]:
    """Read the newest rows of each repository, opened after `since` where that is given."""
    found: dict[str, _Rows] = {}
    for split in splits:
        for batch in batches(dataset, split, model.names):
            opened = pc.cast(batch.table.column("created_at"), "timestamp[us]").to_numpy().astype("int64") / 1e6
            numbers = batch.table.column("number").to_numpy().astype(float)
            owners = np.asarray(batch.repositories)
            for name in set(batch.repositories):
                wanted = owners == name
                if since and name in since:
                    wanted &= opened > since[name].timestamp()
                own = _Rows(numbers[wanted], opened[wanted], batch.features[wanted])
                found[name] = (found[name].join(own) if name in found else own).newest(MAX_REFERENCE)
    return {name: rows for name, rows in found.items() if len(rows.numbers)}


def build_sample(model: Model, repository: str, opened: Floats, features: Floats) -> Sample:
    """Score pull requests [rows, features] in the order of opening, and flag them as the service would have."""
    scores = model.score(features, [repository] * len(opened)).scores
    limits = replay(scores, model.rolling(repository))
    flagged = np.array([score > limit.threshold for score, limit in zip(scores.tolist(), limits, strict=True)], bool)
    return Sample(opened, _build_values(features, scores, opened, np.ones(len(scores))), flagged)


def _build_values(features: Floats, scores: Floats, opened: Floats, own_history: Floats) -> Floats:
    hours = opened // HOUR_SECONDS % DAY_HOURS
    return np.column_stack([features, scores, hours, own_history])


def _list_predicted(database: Database[Document], digest: str) -> Iterator[str]:
    names = database.predictions.distinct("repository", {"route": WEBHOOK, "model.digest": digest})
    return (name for name in names if name != GOLDEN_REPOSITORY)


def _find_predictions(
    database: Database[Document], digest: str, repository: str, since: datetime | None
) -> dict[int, Document]:
    """Find the newest predictions by number, the first of each pull request."""
    wanted: dict[str, Any] = {"repository": repository, "route": WEBHOOK, "model.digest": digest}
    if since:
        wanted["scored_at"] = {"$gt": since}
    newest = list(database.predictions.find(wanted).sort("scored_at", -1).limit(2 * WINDOW))
    return {document["number"]: document for document in newest}


def _join_predictions(
    sample: Sample | None, rows: _Rows | None, predictions: Mapping[int, Document], width: int
) -> Sample:
    documents = list(predictions.values())
    features = np.array([one["features"] for one in documents], np.float64).reshape(len(documents), width - 3)
    scores = np.array([one["score"] for one in documents], np.float64)
    opened = np.array([one["scored_at"].timestamp() for one in documents], np.float64)
    own = np.array([one["history"] == "repository" for one in documents], np.float64)
    predicted = Sample(
        opened,
        _build_values(features, scores, opened, own),
        np.array([one["unusual"] for one in documents], bool),
    )
    others = [sample.select(~np.isin(rows.numbers, list(predictions)))] if sample and rows else []
    return concatenate([*others, predicted])
