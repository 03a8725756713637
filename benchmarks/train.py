"""Training on increasing numbers of rows: time, throughput and peak memory, compared with IsolationForest."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steps.common.dataset import (
    VERSION,
    Dataset,
    DatasetFile,
    Manifest,
    RejectedDocuments,
    RepositorySummary,
    hash_file,
    name_by_content,
)
from steps.preprocess.rows import ROW_SCHEMA
from steps.scoring.features import NAMES

BLOCK = 50_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SPLIT_SHARES = {"train": 0.60, "validation": 0.15, "test": 0.25, "injected": 0.06}
REPOSITORIES = 20
SCHEMA = pa.schema([field for field in ROW_SCHEMA if field.name not in {"split", "state"}])


def make_block(split: str, start: int, count: int) -> pa.Table:
    """Make rows whose features share six hidden factors, with long tails."""
    random = np.random.default_rng([start, len(split)])
    mixing = np.random.default_rng(0).normal(size=(6, len(NAMES)))
    features = random.standard_t(4, size=(count, 6)) @ mixing + random.normal(size=(count, len(NAMES)))
    if split == "injected":
        features[np.arange(count), random.integers(0, len(NAMES), count)] += 20
    repositories = [f"owner/name-{number % REPOSITORIES}" for number in range(start, start + count)]
    sizes = random.poisson(20, (4, count)).astype(np.int32)
    columns = {
        "id": [f"{name}#{start + place}" for place, name in enumerate(repositories)],
        "repository": repositories,
        "number": np.arange(start, start + count, dtype=np.int32),
        "created_at": pa.array((np.arange(start, start + count) * 10**9), pa.timestamp("us", "UTC")),
        **dict(zip(("additions", "deletions", "changed_files", "commits"), sizes, strict=True)),
        "reverts": pa.nulls(count, pa.int32()),
        "kind": ["far_out"] * count if split == "injected" else pa.nulls(count, pa.string()),
        **{name: features[:, place].astype(np.float32) for place, name in enumerate(NAMES)},
    }
    return pa.table(columns, schema=SCHEMA)


def write_dataset(folder: Path, rows: int) -> Dataset:
    """Write a dataset of this many real rows, a block at a time."""
    files, paths = [], {}
    for split, share in SPLIT_SHARES.items():
        count = round(rows * share)
        path = folder / f"{split}.parquet"
        with pq.ParquetWriter(path, SCHEMA) as writer:
            for start in range(0, count, BLOCK):
                writer.write_table(make_block(split, start, min(BLOCK, count - start)))
        files.append(
            DatasetFile(
                name=f"{split}/part-00000.parquet", sha256=hash_file(path), bytes=path.stat().st_size, rows=count
            )
        )
        paths[files[-1].name] = path
    columns = {field.name: str(field.type) for field in SCHEMA}
    manifest = Manifest(
        version=VERSION,
        hash="",
        columns=columns,
        features=list(NAMES),
        files=files,
        splits={file.split: file.rows for file in files},
        repositories={"owner/name-0": RepositorySummary(rows=rows, first=EPOCH, last=EPOCH, watermark=None)},
        rejected=RejectedDocuments(count=0, share=0.0),
    )
    return Dataset(name_by_content(manifest), paths)


def train_autoencoder(data: Dataset, folder: Path) -> dict[str, float]:
    """Train and evaluate as the step does, without MLflow."""
    from steps.train.run import train

    artefact = folder / "model"
    artefact.mkdir()
    result = train(data, artefact, 0.01, 7, {})
    return {"average_precision": result.figures["injected"]["all"]["model"]["average_precision"]}


def fit_isolation_forest(data: Dataset, folder: Path) -> dict[str, float]:
    """Fit an IsolationForest as a user would: everything in one array, then score all rows for the threshold."""
    from sklearn.ensemble import IsolationForest

    features = np.stack([pq.read_table(data.files("train")[0])[name].to_numpy() for name in NAMES], axis=1)
    forest = IsolationForest(n_estimators=200, random_state=7, n_jobs=-1).fit(features)
    return {"threshold": float(np.quantile(forest.score_samples(features), 0.01))}


def measure(what: str, rows: int) -> dict[str, float]:
    """Run one of them in a process of its own; the dataset is written before the measurement starts."""
    with tempfile.TemporaryDirectory() as folder:
        code = (
            "import sys; from pathlib import Path; from benchmarks import train as b;"
            f"b.report({what!r}, {rows}, Path(sys.argv[1]))"
        )
        done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return dict(json.loads(done.stdout.splitlines()[-1]))


def report(what: str, rows: int, folder: Path) -> None:
    """Print one measurement as JSON."""
    data = write_dataset(folder, rows)
    started = time.monotonic()
    figures = {"autoencoder": train_autoencoder, "isolation_forest": fit_isolation_forest}[what](data, folder)
    seconds = time.monotonic() - started
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    print(json.dumps({"seconds": seconds, "peak_mb": peak, **figures}))


def main() -> None:
    """Measure both for each size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    print(f"Rows of {len(NAMES)} features; 60 % are used for training; peak memory of the whole process.\n")
    print("| rows | train: s | rows/s | peak MB | IsolationForest: s | rows/s | peak MB |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for rows in parser.parse_args().rows:
        cells = [f"{rows:,}"]
        for what in ("autoencoder", "isolation_forest"):
            figures = measure(what, rows)
            cells += [f"{figures['seconds']:.0f}", f"{rows / figures['seconds']:,.0f}", f"{figures['peak_mb']:,.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
