"""Each repository's history at its end, from the dataset to where serving looks it up."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
from pymongo import ReplaceOne
from pymongo.database import Database

from steps.common.dataset import Manifest, dataset_uri, materialise
from steps.common.mongo import Document
from steps.common.store import Store
from steps.preprocess.history import VERSION

STATES_PER_BATCH = 16


def publish(database: Database[Document], store: Store, manifest: Manifest) -> None:
    """Put the states of a dataset's repositories into the collection `history`, unless they are there."""
    names = list(manifest.repositories)
    published = {"_id": {"$in": names}, "dataset": manifest.hash, "version": VERSION}
    if database.history.count_documents(published) == len(names):
        return
    with TemporaryDirectory() as folder:
        for path in materialise(store, dataset_uri(store, manifest.hash), Path(folder), {"history"}).files("history"):
            for batch in pq.ParquetFile(path).iter_batches(STATES_PER_BATCH, columns=["repository", "state"]):
                database.history.bulk_write([_replace(row, manifest.hash) for row in batch.to_pylist()], ordered=False)


def _replace(row: Document, dataset: str) -> ReplaceOne[Document]:
    document = {"_id": row["repository"], "state": row["state"], "dataset": dataset, "version": VERSION}
    return ReplaceOne({"_id": row["repository"]}, document, upsert=True)
