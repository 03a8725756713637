"""How rows become the files of a dataset: shuffled by a fixed hash, written by the executors straight into the store.

Spark's own writer would do, but its files differ from one Java process to the next: the order of a set of encodings in
their footers follows addresses in memory. Arrow's are the same byte for byte, wherever the same rows are written.
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
from pyspark.sql import functions as F  # noqa: N812 - everybody's name for it

from steps.common.dataset import DatasetFile, hash_file
from steps.common.settings import StoreSettings
from steps.common.store import Store, open_store
from steps.preprocess.rows import ROW_SCHEMA

PULLS_PER_PART = 200_000
ROW_GROUP_BYTES = 16 << 20
FILE_COLUMNS = "name string, sha256 string, bytes long, rows long"

Batches = Iterator[pa.RecordBatch]


def write(rows: DataFrame, pulls: int, settings: StoreSettings, staged: str) -> list[DatasetFile]:
    """Write parquet below `staged` in the store, `split/part-00000.parquet` and so on.

    Args:
        rows: of ROW_SCHEMA.
        pulls: how many pull requests they are about, which decides the number of parts.
        settings: of the store.
        staged: a folder in it.
    """
    parts = rows.repartition(-(-pulls // PULLS_PER_PART) or 1, F.coalesce("id", "repository"))
    shuffled = parts.sortWithinPartitions("split", F.xxhash64("id"), "id", "repository", "kind")
    files = shuffled.mapInArrow(_writer(settings, staged), FILE_COLUMNS).toArrow().to_pylist()
    return [DatasetFile(**file) for file in sorted(files, key=itemgetter("name"))]


def _writer(settings: StoreSettings, staged: str) -> Callable[[Batches], Batches]:
    def written(batches: Batches) -> Batches:
        store, part = open_store(settings), cast(TaskContext, TaskContext.get()).partitionId()
        for split, pieces in groupby(_by_split(batches), key=itemgetter(0)):
            file = _write(store, staged, f"{split}/part-{part:05}.parquet", (piece for _, piece in pieces))
            yield pa.RecordBatch.from_pylist([file.model_dump()])

    return written


def _by_split(batches: Batches) -> Iterator[tuple[str, pa.RecordBatch]]:
    for batch in batches:
        for split in pc.unique(batch.column("split")).to_pylist():
            yield split, batch.filter(pc.equal(batch.column("split"), split))


def _write(store: Store, staged: str, name: str, batches: Batches) -> DatasetFile:
    with TemporaryDirectory() as folder:
        path = Path(folder, "part.parquet")
        with pq.ParquetWriter(path, ROW_SCHEMA, compression="zstd") as writer:
            for group in _groups(batches):
                writer.write_table(group)
        store.upload(f"{staged}/{name}", path)
        rows = pq.read_metadata(path).num_rows
        return DatasetFile(name=name, sha256=hash_file(path), bytes=path.stat().st_size, rows=rows)


def _groups(batches: Batches) -> Iterator[pa.Table]:
    """The batches in portions that are worth a row group of their own, and small enough for a reader's memory."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch.cast(ROW_SCHEMA))
        if sum(one.nbytes for one in held) >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)
