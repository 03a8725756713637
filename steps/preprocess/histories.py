"""Publication of each repository's final history, and of the merged one, from the dataset to MongoDB for serving."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import bson
import pyarrow.parquet as pq
from bson.codec_options import CodecOptions
from pymongo import ReplaceOne
from pymongo.database import Database

from steps.common.dataset import OVERALL, Manifest, format_dataset_uri, materialise
from steps.common.mongo import Document
from steps.common.store import Store
from steps.preprocess.overall import merge_histories
from steps.scoring.history import VERSION, History

STATES_PER_BATCH = 16

_CODEC_OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True)


def publish_histories(database: Database[Document], store: Store, manifest: Manifest) -> None:
    """Write a dataset's final states to the collection `history` unless they are there; the merged one is last."""
    names = [*manifest.repositories, OVERALL]
    published = {"_id": {"$in": names}, "dataset": manifest.hash, "version": VERSION}
    if database.history.count_documents(published) == len(names):
        return
    with TemporaryDirectory() as folder:
        data = materialise(store, format_dataset_uri(store, manifest.hash), Path(folder), {"history"})
        whole = merge_histories(_publish_files(database, data.files("history"), manifest.hash))
    database.history.bulk_write([_build_replacement(OVERALL, bson.encode(whole.state()), manifest.hash)])


def _publish_files(database: Database[Document], files: list[Path], dataset: str) -> Iterator[History]:
    """Write the states in these files to the collection, and yield each history after its state is written."""
    for path in files:
        for batch in pq.ParquetFile(path).iter_batches(STATES_PER_BATCH, columns=["repository", "state"]):
            rows = batch.to_pylist()
            database.history.bulk_write([_build_replacement(**row, dataset=dataset) for row in rows], ordered=False)
            yield from (History.from_state(bson.decode(row["state"], _CODEC_OPTIONS)) for row in rows)


def _build_replacement(repository: str, state: bytes, dataset: str) -> ReplaceOne[Document]:
    document = {"_id": repository, "state": state, "dataset": dataset, "version": VERSION}
    return ReplaceOne({"_id": repository}, document, upsert=True)
