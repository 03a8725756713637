"""Measuring a model on the later split, beside what a user would pick instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from steps.common.dataset import Dataset
from steps.scoring.arrays import Floats
from steps.scoring.model import BLOCK_ROWS, Model
from steps.scoring.thresholds import NEWEST, replay
from steps.train import truth
from steps.train.baselines import Scorer
from steps.train.data import Rows, sample
from steps.train.metrics import Bools, f1, summary, task_weights

MIN_REVERTED = 5


@dataclass(frozen=True)
class TestSet:
    """Real rows of the test split and those with something injected; `kinds` is None for the real ones.

    `held_out` are those with something injected of a kind that no choice sees.
    """

    rows: Rows
    kinds: Any
    reverted: Bools
    held_out: Bools

    @cached_property
    def real(self) -> Bools:
        """True for the rows that are as they were [rows]."""
        return np.array([kind is None for kind in self.kinds])

    def tasks(self, *, held_out: bool) -> dict[str, Floats]:
        """Weights [rows] of each task, of the kinds that are held out or of the others; see `task_weights`."""
        chosen = self.real | (self.held_out == held_out)
        found = {}
        for name, weights in task_weights(self.kinds[chosen]).items():
            found[name] = np.zeros(len(chosen))
            found[name][chosen] = weights
        return found


def test_set(dataset: Dataset, model: Model, reverted: set[tuple[str, int]]) -> TestSet:
    """Read what a model is measured on, in the order of that model's features."""
    splits = ["test", "injected", *(["held_out"] if dataset.manifest.splits.get("held_out") else [])]
    parts = [sample(dataset, split, model.names) for split in splits]
    table = pa.concat_tables([part.table for part in parts])
    owners = [name for part in parts for name in part.repositories]
    together = Rows(table, owners, np.vstack([part.features for part in parts]))
    numbers = zip(together.repositories, table.column("number").to_pylist(), strict=True)
    kinds = np.array(table.column("kind").to_pylist(), dtype=object)
    return TestSet(
        together,
        kinds,
        reverted=np.array([kind is None and key in reverted for kind, key in zip(kinds, numbers, strict=True)]),
        held_out=np.arange(len(kinds)) >= sum(map(len, parts[:2])),
    )


def detectors(model: Model, tests: TestSet, baselines: Mapping[str, Scorer]) -> dict[str, Floats]:
    """The scores [rows] of the model and of each baseline."""
    found: dict[str, list[Floats]] = {name: [] for name in ("model", *baselines)}
    for start in range(0, len(tests.rows), BLOCK_ROWS):
        features = tests.rows.features[start : start + BLOCK_ROWS]
        repositories = tests.rows.repositories[start : start + BLOCK_ROWS]
        scaled = model.scales.apply(features, repositories)
        found["model"].append(model.score_scaled(features, scaled).scores)
        for name, scorer in baselines.items():
            found[name].append(scorer(scaled))
    lines = tests.rows.table.column("additions").to_numpy().astype(float)
    return {name: np.concatenate(parts) for name, parts in found.items()} | {"lines_added": lines}


def flag_rows(model: Model, rows: Rows, scores: Floats) -> Bools:
    """Return which rows a service would flag [rows], by thresholds that move with the scores of real ones.

    The thresholds go on from the newest scores before, and see each score only once it was judged. Rows with an
    injected anomaly are held to the threshold that its repository began with, and move nothing.
    """
    owners, kinds = np.asarray(rows.repositories), np.array(rows.table.column("kind").to_pylist(), dtype=object)
    real = np.array([kind is None for kind in kinds], dtype=bool)
    opened = rows.table.column("created_at").to_numpy()
    flagged = np.zeros(len(scores), dtype=bool)
    for name in sorted(set(rows.repositories)):
        injected = np.flatnonzero(~real & (owners == name))
        flagged[injected] = scores[injected] > model.limits(name).threshold
        places = np.flatnonzero(real & (owners == name))
        places = places[np.argsort(opened[places], kind="stable")]
        limits = replay(scores[places], model.rolling(name))
        flagged[places] = scores[places] > np.array([limit.threshold for limit in limits])
    return flagged


def flagged_shares(model: Model, tests: TestSet, scores: Floats) -> dict[str, Any]:
    """Return the share of real rows that is flagged: over all, by repository, and in its worst thousand in a row."""
    flagged = flag_rows(model, tests.rows, scores)
    owners = np.asarray(tests.rows.repositories)
    opened = tests.rows.table.column("created_at").to_numpy()
    shares: dict[str, dict[str, float]] = {}
    for name in sorted(set(tests.rows.repositories)):
        places = np.flatnonzero(tests.real & (owners == name))
        own = flagged[places[np.argsort(opened[places], kind="stable")]]
        if not len(own):
            continue
        shares[name] = {"rows": len(own), "share": float(own.mean())}
        if len(own) >= NEWEST:
            counts = np.convolve(own, np.ones(NEWEST), "valid") / NEWEST
            shares[name] |= {"lowest": float(counts.min()), "highest": float(counts.max())}
    return {"flagged_share": float(flagged[tests.real].mean()), "flagged_by_repository": shares}


def check_statements(model: Model, tests: TestSet) -> truth.Truth:
    """Check a model's statements about rarity, but for those that it leaves out, on the real rows."""
    return truth.check_statements(tests.rows.select(tests.real), model.thresholds.get("contradicted", ()))


def check_reasons(model: Model, tests: TestSet) -> dict[str, Any]:
    """Return how many statements about rarity the real rows can check, how many hold, and what they contradict."""
    found = check_statements(model, tests)
    return {**found._asdict(), "contradicted": sorted(found.contradicted)}


def at_threshold(scores: Floats, tests: TestSet, threshold: float) -> dict[str, float]:
    """Return what one threshold gives: F1 on all injected anomalies, and the share of real rows it flags."""
    weights = tests.tasks(held_out=False)["all"]
    return {
        "f1": f1(~tests.real, scores > threshold, weights),
        "flagged_share": float((scores[tests.real] > threshold).mean()),
    }


def evaluate(scores: Mapping[str, Floats], tests: TestSet, threshold: float, budget: float) -> dict[str, Any]:
    """Figures of each detector: on injected anomalies by kind, also held-out ones, and on what was reverted later.

    The model is held to its own threshold; a baseline flags the share of real rows that the budget names.
    """
    real = tests.real
    thresholds = {
        name: threshold if name == "model" else float(np.quantile(values[real], 1 - budget))
        for name, values in scores.items()
    }

    def measure(wanted: Bools, weights: Floats) -> dict[str, dict[str, float]]:
        return {name: summary(wanted, values, weights, thresholds[name]) for name, values in scores.items()}

    enough = tests.reverted.sum() >= MIN_REVERTED
    return {
        "injected": {task: measure(~real, weights) for task, weights in tests.tasks(held_out=False).items()},
        "held_out": {task: measure(~real, weights) for task, weights in tests.tasks(held_out=True).items()},
        "reverted": measure(tests.reverted, real.astype(float)) if enough else None,
        "flagged_share": float((scores["model"][real] > threshold).mean()),
    }
