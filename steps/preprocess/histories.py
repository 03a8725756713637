"""Each repository's history at its end, and one over all, from the dataset to where serving looks them up."""

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
from steps.preprocess.overall import overall
from steps.scoring.history import VERSION, History

STATES_PER_BATCH = 16

_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)


def publish(database: Database[Document], store: Store, manifest: Manifest) -> None:
    """Put a dataset's final states into the collection `history`, unless they are there; that over all comes last."""
    names = [*manifest.repositories, OVERALL]
    published = {"_id": {"$in": names}, "dataset": manifest.hash, "version": VERSION}
    if database.history.count_documents(published) == len(names):
        return
    with TemporaryDirectory() as folder:
        data = materialise(store, format_dataset_uri(store, manifest.hash), Path(folder), {"history"})
        whole = overall(_published(database, data.files("history"), manifest.hash))
    database.history.bulk_write([_replace(OVERALL, bson.encode(whole.state()), manifest.hash)])


def _published(database: Database[Document], files: list[Path], dataset: str) -> Iterator[History]:
    """Each history of these files, once its state is in the collection."""
    for path in files:
        for batch in pq.ParquetFile(path).iter_batches(STATES_PER_BATCH, columns=["repository", "state"]):
            rows = batch.to_pylist()
            database.history.bulk_write([_replace(**row, dataset=dataset) for row in rows], ordered=False)
            yield from (History.from_state(bson.decode(row["state"], _AWARE)) for row in rows)


def _replace(repository: str, state: bytes, dataset: str) -> ReplaceOne[Document]:
    document = {"_id": repository, "state": state, "dataset": dataset, "version": VERSION}
    return ReplaceOne({"_id": repository}, document, upsert=True)
