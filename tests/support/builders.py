"""Small real things for tests: a dataset with injected rows, a model without TensorFlow, an MLflow run of both."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from onnx import TensorProto, helper

from steps.common.dataset import (
    FOLDER,
    MANIFEST,
    OVERALL,
    VERSION,
    Dataset,
    DatasetFile,
    Manifest,
    RejectedDocuments,
    RepositorySummary,
    format_dataset_uri,
    hash_file,
    materialise,
    name_by_content,
)
from steps.common.settings import TrainSettings
from steps.common.store import FolderStore
from steps.common.tracking import connect
from steps.scoring import distribution, golden, model, rarity
from steps.scoring.artefact import FILES, as_json
from steps.scoring.artefact import write as write_files
from steps.scoring.calibration import Calibration
from steps.scoring.features import FEATURES as REAL_FEATURES
from steps.scoring.features import NAMES as REAL_NAMES
from steps.scoring.prior import Curve
from steps.scoring.scaling import Scales
from steps.scoring.signals import Signal, SignalSums, total
from steps.train import card, data, evaluation
from steps.train.autoencoder import TrainedNetwork
from steps.train.record import Run
from steps.train.run import Result, fit
from tests.support.pulls import passed

Table = dict[str, Any]

NAMES = ("strong", "faint", "noise")
"""Features by how far injected rows stand out in them: far, a little, not at all."""
SHIFTS = np.array([4.0, 1.0, 0.0])
KINDS = ("dump", "junk", "sweep", "typo")
HELD_OUT_KINDS = ("polite", "disguised")
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
REPOSITORY = "octo/widgets"
FIGURES = ("average_precision", "roc_auc", "f1", "recall_at_1", "recall_at_5", "recall_at_10")
CARD: Mapping[str, Any] = {
    "data_hash": "0" * 64,
    "dataset_uri": f"file:///store/datasets/{'0' * 64}",
    "git_commit": "0" * 40,
    "data": {
        "repositories": ["owner/name"],
        "pull_requests": 600,
        "first": "2024-03-04T12:00:00+00:00",
        "last": "2024-05-18T09:00:00+00:00",
        "rows": {"train": 360, "validation": 90, "test": 150},
    },
    "metrics": {
        detector: dict.fromkeys(FIGURES, figure)
        for detector, figure in {"model": 0.6, "lines_added": 0.1, "isolation_forest": 0.3, "ecod": 0.4}.items()
    },
    "alert_budget": 0.01,
    "flagged_share": 0.011,
}
"""What training says of a model in its manifest."""


def rows(split: str, count: int, seed: int, start: datetime, names: Sequence[str] = NAMES) -> Table:
    """Columns of a split; rows of `injected` and `held_out` stand out and have a kind; what ranks say is true."""
    random = np.random.default_rng(seed)
    kinds = {"injected": KINDS, "held_out": HELD_OUT_KINDS}.get(split, (None,))
    injected = kinds != (None,)
    features = random.normal(size=(count, len(NAMES))) + SHIFTS * injected
    return {
        "id": [f"{REPOSITORY}#{split}-{number}" for number in range(count)],
        "repository": [REPOSITORY] * count,
        "number": pa.array(range(1, count + 1), pa.int32()),
        "created_at": pa.array([start + timedelta(hours=n) for n in range(count)], pa.timestamp("us", "UTC")),
        **{name: pa.array(random.poisson(40, count), pa.int32()) for name in ("additions", "deletions")},
        **{name: pa.array(random.poisson(3, count) + 1, pa.int32()) for name in ("changed_files", "commits")},
        "reverts": pa.nulls(count, pa.int32()),
        "kind": pa.array([kinds[n % len(kinds)] for n in range(count)], pa.string()),
        **{name: pa.array(features[:, place], pa.float32()) for place, name in enumerate(names)},
        rarity.WINDOW_ROWS: pa.array(np.full(count, rarity.WINDOW), pa.float32()),
        **{name: pa.array(random.integers(0, rarity.WINDOW, count), pa.float32()) for name in rarity.ABOVE},
    }


def dataset(folder: Path, *, days: int = 0, seed: int = 1, names: Sequence[str] = NAMES, real: int = 600) -> str:
    """Write a dataset below `folder`, as a store, and return its address; `days` moves its time range on."""
    start = FIRST_DAY + timedelta(days=days)
    counts = {"train": real, "validation": real, "test": real, "injected": real // 6, "held_out": real // 12}
    tables = {split: pa.table(rows(split, count, seed + len(split), start, names)) for split, count in counts.items()}
    share = RepositorySummary(rows=3 * real, first=start, last=start + timedelta(days=25), watermark=None)
    return publish(folder, tables, names, {REPOSITORY: share})


def publish(
    folder: Path, tables: Mapping[str, pa.Table], names: Sequence[str], repositories: Mapping[str, RepositorySummary]
) -> str:
    """Write tables, by split, as a dataset below `folder`, as a store, and return its address."""
    store, staged = FolderStore(folder), folder / "staged"
    files = []
    for split, table in tables.items():
        path = staged / split / "part-00000.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        name = f"{split}/{path.name}"
        files.append(DatasetFile(name=name, sha256=hash_file(path), bytes=path.stat().st_size, rows=len(table)))
    columns = {field.name: str(field.type) for field in pq.read_schema(path)}
    manifest = name_by_content(
        Manifest(
            version=VERSION,
            hash="",
            columns=columns,
            features=list(names),
            files=files,
            splits={file.split: file.rows for file in files},
            repositories=dict(repositories),
            rejected=RejectedDocuments(count=0, share=0.0),
        )
    )
    for file in files:
        store.move(f"staged/{file.name}", f"{FOLDER}/{manifest.hash}/{file.name}")
    store.write(f"{FOLDER}/{manifest.hash}/{MANIFEST}", manifest.model_dump_json(by_alias=True).encode())
    return format_dataset_uri(store, manifest.hash)


def network(features: int = len(NAMES), factor: float = 0.0) -> bytes:
    """An ONNX network that predicts every feature to be its own value times a factor."""
    shape = [None, features]
    constant = helper.make_tensor("factor", TensorProto.FLOAT, [1], [factor])
    graph = helper.make_graph(
        [helper.make_node("Mul", ["features", "factor"], ["predicted"])],
        "times",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("predicted", TensorProto.FLOAT, shape)],
        [constant],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def parts(scored: Sequence[str], names: Sequence[str] = NAMES, budget: float = 0.01) -> tuple[Table, Table]:
    """What belongs into `features.json` and `thresholds.json` of a model that looks at the features `scored`."""
    past = np.random.default_rng(3).normal(size=(2_000, len(names)))
    scales = Scales((OVERALL,), np.zeros((1, len(names))), np.ones((1, len(names))))
    residuals = Calibration.fit(past, names, scored)
    signals = [Signal(name, {name: 1.0}, {name: 0.5}) for name in scored]
    sums = 1.5 * past
    curves = {name: Curve.fit([sums[:, names.index(name)]]) for name in scored}
    scores = total(SignalSums(signals, names, curves).strengths(past, residuals.rarities(past)))
    features = {
        "features": [{"name": name, "group": "all"} for name in names],
        "signals": [signal.to_json() for signal in signals],
        "scales": {
            "repositories": scales.repositories,
            "middles": scales.middles.tolist(),
            "spreads": scales.spreads.tolist(),
        },
    }
    thresholds = {
        "alert_budget": budget,
        "threshold": float(np.quantile(scores, 1 - budget)),
        "high": float(np.quantile(scores, 1 - budget / 10)),
        "mean_plus_2std": float(scores.mean() + 2 * scores.std()),
        "residuals": residuals.to_json(),
        "curves": {name: curve.to_json() for name, curve in curves.items()},
        "newest": {},
        "distributions": distribution.fit(scores, [REPOSITORY] * len(scores)),
    }
    return features, thresholds


def artefact(
    folder: Path,
    scored: Sequence[str] = NAMES,
    *,
    names: Sequence[str] = NAMES,
    facts: Mapping[str, Any] | None = None,
    thresholds: Mapping[str, Any] | None = None,
) -> model.Model:
    """Write a model; `thresholds` replace its own, those that are None are left out."""
    features, own = parts(scored, names)
    changed = {name: value for name, value in {**own, **(thresholds or {})}.items() if value is not None}
    folder.mkdir(parents=True, exist_ok=True)
    contents_of: tuple[Any, ...] = (features, changed, [])
    parts_as_json = [as_json(part) for part in contents_of]
    contents = dict(zip(FILES, (network(len(names)), *parts_as_json), strict=True))
    write_files(folder, contents, facts or {"data_hash": "0" * 64})
    return model.Model.load(folder)


def fitted(folder: Path, pulls: Sequence[Mapping[str, Any]], budget: float = 0.01) -> model.Model:
    """Write a model of the real features, fitted to pull requests as rows of PULL_SCHEMA, with golden ones and a card.

    Its network predicts nothing; all else is as train makes it.
    """
    passes = passed([dict(one) for one in pulls])
    past, later = (
        data.rows(pa.Table.from_pylist([row for row in passes if row["split"] == split]), REAL_NAMES)
        for split in ("train", "validation")
    )
    scales = Scales.fit(past.features, past.repositories)
    made = fit(network(sum(bool(feature.group) for feature in REAL_FEATURES)), later, scales, budget)
    folder.mkdir(parents=True, exist_ok=True)
    return made.write(folder, golden.make(made), CARD)


def training(
    folder: Path,
    settings: TrainSettings,
    uri: str,
    scored: Sequence[str] = NAMES,
    *,
    seed: int = 7,
    names: Sequence[str] = NAMES,
    thresholds: Mapping[str, Any] | None = None,
    recorded: Mapping[str, float] | None = None,
) -> dict[str, str]:
    """Keep a model in MLflow as train does, and return what register is given.

    `seed` tells trainings of one dataset apart; `recorded` replaces the average precision of detectors.
    """
    with connect(settings) as client:
        data = materialise(FolderStore(Path(settings.store_url.removeprefix("file://"))), uri, folder)
        run = Run(client, settings, uri, data.manifest.hash, 0.01, seed)
        place = folder / f"model-{seed}"
        unmeasured = artefact(place, scored, names=names, facts=run.facts, thresholds=thresholds)
        result = _measured(data, unmeasured, recorded or {})
        facts = run.facts | card.card(data.manifest, result.figures)
        fitted = artefact(place, scored, names=names, facts=facts, thresholds=thresholds)
        answer = run.write(replace(result, model=fitted), place, data)
    return {"run_id": answer["run_id"], "model_uri": answer["model_uri"], "dataset_uri": uri}


def _measured(data: Dataset, fitted: model.Model, recorded: Mapping[str, float]) -> Result:
    tests = evaluation.test_set(data, fitted, set())
    scores = evaluation.detectors(fitted, tests, {"isolation_forest": _blind, "ecod": _blind})
    threshold = float(fitted.thresholds.get("threshold", 1.0))
    measured = evaluation.evaluate(scores, tests, threshold, 0.01)
    for name, figure in recorded.items():
        measured["injected"]["all"][name]["average_precision"] = figure
    measured |= {"alert_budget": 0.01, "threshold": threshold, "mean_plus_2std": 1.0, "flagged_by_repository": {}}
    measured["reasons"] = evaluation.check_reasons(fitted, tests)
    measured["at_mean_plus_2std"] = evaluation.at_threshold(scores["model"], tests, 1.0)
    return Result(fitted, TrainedNetwork(network(), [1.0, 0.5], [1.0, 0.6]), measured, scores, tests, [])


def _blind(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """A baseline that sees only what tells nothing."""
    return scaled[:, -1]
