"""Learn how often each value occurs in ordinary repositories, and write it into the code.

`python -m benchmarks.prior --pulls DIR --files DIR` reads recorded pull requests (JSON lines by GitHub's REST names, a
file for each repository; those labelled as spam are left out), passes each repository through a history, trains the
network, and writes `steps/scoring/prior_curves.py`: curves over all repositories, without a text or a name.
"""

import argparse
import gzip
import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from steps.common.changed_files import from_rows
from steps.common.dataset import RepositorySummary, materialise
from steps.common.pull_request import PullRequest
from steps.common.store import FolderStore
from steps.scoring import model, prior_curves, signals
from steps.scoring.arrays import Floats
from steps.scoring.calibration import Calibration
from steps.scoring.features import FEATURES, NAMES
from steps.scoring.history import History
from steps.scoring.prior import Curve
from steps.scoring.rarity import RANKED, RARITIES, RarityWindows
from steps.scoring.scaling import Scales
from steps.scoring.vectors import plain_rows
from steps.train import autoencoder
from tests.support import builders

TARGET = Path(prior_curves.__file__)
WARM_UP = 300
"""The first pull requests of a repository, at most a third, meet a history that has learned too little."""
TEXTS = 300
SEED = 7
WIDTH = 109
TRAIN_SHARE, VALIDATION_SHARE = 0.6, 0.15
NETWORK = [feature for feature in FEATURES if feature.group]


class Passed(NamedTuple):
    """One repository: its features without rarities [rows], and which rows are ordinary [rows]."""

    values: list[dict[str, float]]
    ordinary: Any

    def column(self, name: str) -> Floats:
        """Return a feature of the ordinary rows."""
        found: Floats = np.array([value[name] for value in self.values])[self.ordinary]
        return found


def read(pulls: Path, files: Path | None) -> tuple[list[dict[str, Any]], list[bool]]:
    """Return the recorded pull requests of a repository as rows, in the order of opening, and which are spam."""
    changed: dict[int, Any] = {}
    if files and files.exists():
        for one in _records(files):
            parts = [
                dict(zip(("path", "additions", "deletions", "status"), file, strict=True)) for file in one["files"]
            ]
            known = parts or one["complete"]
            changed[one["number"]] = [_fill_counts(part) for part in parts] if known else None
    records = sorted(_records(pulls), key=lambda record: (record["created_at"], record["number"]))
    given = [record | {"files": from_rows(changed.get(record["number"]))} for record in records]
    rows = plain_rows([PullRequest.model_validate(one) for one in given])
    return rows, [bool(record.get("_label", {}).get("spam")) for record in records]


def _records(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def _fill_counts(part: dict[str, Any]) -> dict[str, Any]:
    return part | {name: part[name] or 0 for name in ("additions", "deletions")}


def run_pass(rows: Sequence[dict[str, Any]], spam: Sequence[bool], texts: Sequence[tuple[str, str]]) -> Passed:
    """Pass a repository through a history that has heard of the others' texts."""
    history, values = History(texts), []
    for row in rows:
        values.append(history.values(row))
        history.update(row)
    late = np.arange(len(rows)) >= min(WARM_UP, len(rows) // 3)
    return Passed(values, late & ~np.array(spam))


def add_rarities(passed: Passed, curves: Mapping[str, Curve]) -> None:
    """Add the rarity of each ranked feature, as of its moment."""
    windows = RarityWindows(curves)
    for value in passed.values:
        found = windows.features(value)
        windows.update(value)
        value |= {name: found[name] for name in RARITIES}


def signal_curves(passes: Mapping[str, Passed]) -> dict[str, Curve]:
    """Train the network on the past of all repositories, and return the curves of the signals' sums."""
    features = {name: np.array([[v[key] for key in NAMES] for v in one.values]) for name, one in passes.items()}
    bounds = {
        name: (int(len(x) * TRAIN_SHARE), int(len(x) * (TRAIN_SHARE + VALIDATION_SHARE)))
        for name, x in features.items()
    }
    past = np.concatenate([x[: bounds[name][0]] for name, x in features.items()])
    owners = [name for name, (until, _) in bounds.items() for _ in range(until)]
    columns = [NAMES.index(feature.name) for feature in NETWORK]
    scales = Scales.fit(past, owners)
    later = np.concatenate([x[slice(*bounds[name])] for name, x in features.items()])
    later_owners = [name for name, (start, end) in bounds.items() for _ in range(start, end)]
    scaled = scales.apply(later, later_owners)[:, columns]
    onnx = _train(past, owners, scales, scaled)
    network = model.session(onnx)
    names = [feature.name for feature in NETWORK]
    calibration = Calibration.fit(scaled - model.reconstruct(network, scaled), names, signals.residual_names())
    sums = signals.SignalSums(signals.SIGNALS, NAMES, {one.name: Curve([0.0], [0.0], 1.0) for one in signals.SIGNALS})
    found: dict[str, list[Floats]] = {one.name: [] for one in signals.SIGNALS if one.is_sum}
    for name, rows in features.items():
        inputs = scales.apply(rows, [name] * len(rows))[:, columns]
        rarities = calibration.rarities(inputs - model.reconstruct(network, inputs))
        totals = sums.sums(rows, rarities)[passes[name].ordinary]
        for column, signal in enumerate(signals.SIGNALS):
            if signal.is_sum:
                found[signal.name].append(totals[:, column])
    return {f"signal {name}": Curve.fit(parts) for name, parts in found.items()}


def _train(past: Floats, owners: Sequence[str], scales: Scales, validation: Floats) -> bytes:
    """Train as the product does, from a dataset on disk."""
    names = [feature.name for feature in NETWORK]
    columns = [NAMES.index(name) for name in names]
    shuffled = np.random.default_rng(SEED).permutation(len(past))
    table = pa.table(
        {
            "repository": [owners[place] for place in shuffled],
            **{name: past[shuffled, column].astype(np.float32) for name, column in zip(names, columns, strict=True)},
        }
    )
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        shares = {"all": RepositorySummary(rows=len(past), first=now, last=now, watermark=None)}
        uri = builders.publish(Path(folder), {"train": table}, names, shares)
        dataset = materialise(FolderStore(Path(folder)), uri, Path(folder) / "dataset")
        groups = [feature.group for feature in NETWORK]
        return autoencoder.train(dataset, names, groups, scales.select(columns), validation, SEED).onnx


def render(curves: Mapping[str, Curve]) -> str:
    """Return the module with the curves."""
    lines = ['"""Curves of ordinary repositories; generated by `benchmarks/prior.py`, not to be edited."""', ""]
    lines += ["CURVES: dict[str, tuple[str, str, float]] = {"]
    for name, curve in sorted(curves.items()):
        lines += [f'    "{name}": (']
        for numbers in (curve.values, curve.logs):
            parts = wrap(" ".join(f"{number:.8g}" for number in numbers), WIDTH)
            quoted = [f'"{part}{" " if place < len(parts) - 1 else ""}"' for place, part in enumerate(parts)]
            lines += (
                [f"        {quoted[0]},"]
                if len(quoted) == 1
                else [*(f"        {one}" for one in quoted[:-1]), f"        {quoted[-1]},"]
            )
        lines += [f"        {curve.slope!r},", "    ),"]
    return "\n".join(
        [*lines, "}", '"""By name: values, logarithms of their shares, and the slope beyond the last."""', ""]
    )


def main() -> None:
    """Read, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pulls", type=Path, required=True, help="folder of OWNER__NAME.jsonl.gz")
    parser.add_argument("--files", type=Path, help="folder of the same names with the changed files")
    options = parser.parse_args()
    given = {
        path.name: read(path, options.files and options.files / path.name)
        for path in sorted(options.pulls.glob("*.jsonl.gz"))
    }
    random = Random(SEED)  # noqa: S311 - a draw that anybody can repeat is the point
    texts = {
        name: [(row["title"], row["body"]) for row in random.sample(rows, min(TEXTS, len(rows)))]
        for name, (rows, _) in given.items()
    }
    passes = {}
    for name, (rows, spam) in given.items():
        passes[name] = run_pass(rows, spam, [text for other, some in texts.items() if other != name for text in some])
        print(f"{name}: {len(rows)} pull requests", flush=True)
    curves = {name: Curve.fit([one.column(name) for one in passes.values()]) for name in RANKED}
    for one in passes.values():
        add_rarities(one, curves)
    TARGET.write_text(render(curves | signal_curves(passes)))
    print(f"written: {TARGET}")


if __name__ == "__main__":
    main()
