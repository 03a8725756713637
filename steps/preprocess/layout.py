"""The files of a dataset: rows are shuffled by a fixed hash, and executors write them directly into the store.

Spark's own writer is not used because its files differ between Java processes: the order of the encodings in their
footers depends on memory addresses. Arrow writes the same bytes for the same rows.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the customary name

from steps.common.dataset import DatasetFile, hash_file
from steps.common.settings import StoreSettings
from steps.common.store import Store, open_store
from steps.preprocess.rows import ROW_SCHEMA

PULLS_PER_PART = 200_000
ROW_GROUP_BYTES = 16 << 20
FILE_COLUMNS = "name string, sha256 string, bytes long, rows long"

Batches = Iterator[pa.RecordBatch]


def write_files(rows: DataFrame, pulls: int, settings: StoreSettings, staged: str) -> list[DatasetFile]:
    """Write parquet below `staged` in the store, `split/part-00000.parquet` and so on.

    Args:
        rows: a frame with ROW_SCHEMA.
        pulls: the number of pull requests, which determines the number of parts.
        settings: the store's settings.
        staged: a folder in the store.
    """
    parts = rows.repartition(-(-pulls // PULLS_PER_PART) or 1, F.coalesce("id", "repository"))
    shuffled = parts.sortWithinPartitions("split", F.xxhash64("id"), "id", "repository", "kind")
    files = shuffled.mapInArrow(_build_writer(settings, staged), FILE_COLUMNS).toArrow().to_pylist()
    return [DatasetFile(**file) for file in sorted(files, key=itemgetter("name"))]


def _build_writer(settings: StoreSettings, staged: str) -> Callable[[Batches], Batches]:
    def write_part(batches: Batches) -> Batches:
        store, part = open_store(settings), cast(TaskContext, TaskContext.get()).partitionId()
        for split, pieces in groupby(_separate_splits(batches), key=itemgetter(0)):
            file = _write_file(store, staged, f"{split}/part-{part:05}.parquet", (piece for _, piece in pieces))
            yield pa.RecordBatch.from_pylist([file.model_dump()])

    return write_part


def _separate_splits(batches: Batches) -> Iterator[tuple[str, pa.RecordBatch]]:
    for batch in batches:
        for split in pc.unique(batch.column("split")).to_pylist():
            yield split, batch.filter(pc.equal(batch.column("split"), split))


def _write_file(store: Store, staged: str, name: str, batches: Batches) -> DatasetFile:
    with TemporaryDirectory() as folder:
        path = Path(folder, "part.parquet")
        with pq.ParquetWriter(path, ROW_SCHEMA, compression="zstd") as writer:
            for group in _build_row_groups(batches):
                writer.write_table(group)
        store.upload(f"{staged}/{name}", path)
        rows = pq.read_metadata(path).num_rows
        return DatasetFile(name=name, sha256=hash_file(path), bytes=path.stat().st_size, rows=rows)


def _build_row_groups(batches: Batches) -> Iterator[pa.Table]:
    """Yield tables that are large enough for a row group and small enough for a reader's memory."""
    pending: list[pa.RecordBatch] = []
    for batch in batches:
        pending.append(batch.cast(ROW_SCHEMA))
        if sum(one.nbytes for one in pending) >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(pending)
            pending = []
    if pending:
        yield pa.Table.from_batches(pending)
