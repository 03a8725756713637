"""The features of each repository's pull requests as of their opening, as they were and with each change injected."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.drift.changes import CHANGES, Row
from benchmarks.prior import read
from steps.monitor.comparison import Sample
from steps.monitor.reading import build_sample
from steps.scoring.arrays import Floats
from steps.scoring.features import FEATURES, NAMES
from steps.scoring.history import History
from steps.scoring.model import Model
from steps.scoring.scaling import Scales
from steps.scoring.vectors import PULL_SCHEMA, vector, with_own
from steps.train.data import Rows
from steps.train.run import fit
from tests.support import builders, trainings

TRAIN_SHARE, VALIDATION_SHARE = 0.6, 0.15
CHANGED = 200
"""The newest pull requests of each repository, into which the changes are injected."""
BEFORE = 100
"""As many recent pull requests before them are as they were."""
TEXTS = 300
ALERT_BUDGET = 0.01
SEED = 7


@dataclass(frozen=True)
class Stream:
    """One repository: opening times [rows] and features [rows, features], and those of each change [CHANGED, …]."""

    opened: Floats
    features: Floats
    changed_opened: Mapping[str, Floats]
    changed_features: Mapping[str, Floats]

    def write(self, path: Path) -> None:
        """Write the arrays to a file."""
        changed = {f"opened {name}": value for name, value in self.changed_opened.items()}
        changed |= {f"features {name}": value for name, value in self.changed_features.items()}
        np.savez_compressed(path, allow_pickle=False, opened=self.opened, features=self.features, **changed)

    @classmethod
    def load(cls, path: Path) -> "Stream":
        """Load the arrays from a file."""
        with np.load(path) as found:
            return cls(
                found["opened"],
                found["features"],
                {name: found[f"opened {name}"] for name in CHANGES},
                {name: found[f"features {name}"] for name in CHANGES},
            )


def read_rows(pulls: Path | None, files: Path | None) -> dict[str, list[Row]]:
    """Read recorded pull requests as rows in the order of opening, or generate synthetic ones."""
    if pulls is not None:
        return {
            path.name.partition(".")[0].replace("__", "/", 1): read(path, files and files / path.name)[0]
            for path in sorted(pulls.glob("*.jsonl.gz"))
        }
    found: dict[str, list[Row]] = {}
    for row in with_own(sorted(trainings.pulls(), key=lambda one: one["created_at"])):
        found.setdefault(row["repository"], []).append(row)
    return found


def build_streams(pulls: Path | None, files: Path | None, cache: Path | None) -> dict[str, Stream]:
    """Pass each repository through a history, or load what an earlier run left in the folder `cache`."""
    if cache and (kept := sorted(cache.glob("*.npz"))):
        return {path.stem.replace("__", "/", 1): Stream.load(path) for path in kept}
    rows = read_rows(pulls, files)
    random = Random(SEED)  # noqa: S311  a draw that anybody can repeat is the point
    texts = {
        name: [(row["title"], row["body"]) for row in random.sample(list(own), min(TEXTS, len(own)))]
        for name, own in rows.items()
    }
    found = {}
    for name, own in rows.items():
        found[name] = pass_repository(own, [text for other, some in texts.items() if other != name for text in some])
        print(f"{name}: {len(own):,} pull requests", flush=True)
    for name, stream in found.items():
        if cache:
            stream.write(cache / f"{name.replace('/', '__')}.npz")
    return found


def pass_repository(rows: Sequence[Row], texts: Sequence[tuple[str, str]]) -> Stream:
    """Pass a repository through a history, and its newest pull requests through copies, with each change."""
    start, history = max(0, len(rows) - CHANGED), History(texts)
    before = _pass(history, rows[:start])
    changed = {}
    for name, change in CHANGES.items():
        random = Random(f"{SEED} {name}")  # noqa: S311  as above
        plain = [{field: row.get(field) for field in PULL_SCHEMA.names} for row in rows[start:]]
        changed_rows = with_own([change(row, rows[max(0, start - CHANGED) : start], random) for row in plain])
        changed[name] = changed_rows, _pass(deepcopy(history), changed_rows)
    features = np.concatenate([before, _pass(history, rows[start:])])
    return Stream(
        _list_opened(rows),
        features,
        {name: _list_opened(own) for name, (own, _) in changed.items()},
        {name: found for name, (_, found) in changed.items()},
    )


def _pass(history: History, rows: Sequence[Row]) -> Floats:
    found = []
    for row in rows:
        found.append(vector(row | history.features(row), NAMES))
        history.update(row)
    return np.array(found).reshape(len(rows), len(NAMES))


def _list_opened(rows: Sequence[Row]) -> Floats:
    return np.array([row["created_at"].timestamp() for row in rows])


def fit_model(streams: Mapping[str, Stream]) -> Model:
    """Fit a model as training does, but for its network, which predicts nothing: most signals need none."""
    past, later = (_select(streams, *share) for share in ((0.0, TRAIN_SHARE), (TRAIN_SHARE, VALIDATION_SHARE)))
    network = builders.network(sum(bool(feature.group) for feature in FEATURES))
    fitted = fit(network, later, Scales.fit(past.features, past.repositories), ALERT_BUDGET)
    with TemporaryDirectory() as folder:
        return fitted.write(Path(folder), [], {"data_hash": "0" * 64})


def _select(streams: Mapping[str, Stream], begin: float, share: float) -> Rows:
    parts, owners, opened = [], [], []
    for name, stream in streams.items():
        rows = slice(int(begin * len(stream.opened)), int((begin + share) * len(stream.opened)))
        parts.append(stream.features[rows])
        opened.append(stream.opened[rows])
        owners += [name] * len(parts[-1])
    table = pa.table({"created_at": np.concatenate(opened), "repository": owners})
    return Rows(table, owners, np.concatenate(parts))


def to_sample(model: Model, name: str, opened: Floats, features: Floats) -> Sample:
    """Score pull requests of a repository, in the order of opening."""
    order: NDArray[Any] = np.argsort(opened, kind="stable")
    return build_sample(model, name, opened[order], features[order])
