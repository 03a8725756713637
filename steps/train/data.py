"""Reading a dataset's splits as arrays, a batch at a time or as a bounded sample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from steps.common.dataset import Dataset
from steps.common.errors import DataError
from steps.scoring.arrays import Floats

BATCH_ROWS = 8_192
SAMPLE_ROWS = 100_000
"""Whatever is fitted or measured at once looks at no more rows than these."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a split: their table, their repositories and their raw features [rows, features]."""

    table: pa.Table
    repositories: list[str]
    features: Floats

    def __len__(self) -> int:
        return len(self.repositories)

    def select(self, wanted: NDArray[np.bool_]) -> "Rows":
        """Return the rows where `wanted` [rows] is true."""
        owners = [name for name, chosen in zip(self.repositories, wanted, strict=True) if chosen]
        return Rows(self.table.filter(pa.array(wanted)), owners, self.features[wanted])


def rows(table: pa.Table, names: Sequence[str]) -> Rows:
    """Take the named features out of a table.

    Raises:
        DataError: a feature is missing, or a value is not a number.
    """
    if missing := [name for name in names if name not in table.column_names]:
        raise DataError(
            f"The dataset lacks the features {', '.join(missing)}.",
            advice="It was made by another version of preprocess: run preprocess and train again.",
        )
    columns = [table.column(name).to_numpy().astype(np.float64) for name in names]
    features = np.stack(columns, axis=1) if columns else np.empty((len(table), 0))
    if not np.isfinite(features).all():
        raise DataError("The dataset holds features that are not numbers.", advice="Run preprocess again.")
    return Rows(table, table.column("repository").to_pylist(), features)


def batches(dataset: Dataset, split: str, names: Sequence[str], size: int = BATCH_ROWS) -> Iterator[Rows]:
    """Stream a split; its files hold the rows in the order of a hash, so they come shuffled."""
    for file in dataset.files(split):
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(size):
                yield rows(pa.Table.from_batches([batch]), names)


def sample(dataset: Dataset, split: str, names: Sequence[str], most: int = SAMPLE_ROWS) -> Rows:
    """Up to `most` rows of a split, the same ones each time.

    Files are read side by side, so that the sample is spread over all of them.
    """
    streams = [_tables(file) for file in dataset.files(split)]
    taken: list[pa.Table] = []
    count = 0
    for parts in zip_longest(*streams):
        taken.extend(part for part in parts if part is not None)
        count = sum(len(part) for part in taken)
        if count >= most:
            break
    if not count:
        raise DataError(f"The dataset has no rows in {split}.", advice="Fetch more pull requests first.")
    return rows(pa.concat_tables(taken).slice(0, most), names)


def _tables(file: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(BATCH_ROWS):
            yield pa.Table.from_batches([batch])


def find_reverted(dataset: Dataset) -> set[tuple[str, int]]:
    """Return every (repository, number) that a later pull request says it reverts."""
    found: set[tuple[str, int]] = set()
    for split in ("train", "validation", "test"):
        for file in dataset.files(split):
            table = pq.read_table(file, columns=["repository", "reverts"], filters=[("reverts", ">", 0)])
            found.update(zip(table.column("repository").to_pylist(), table.column("reverts").to_pylist(), strict=True))
    return found
