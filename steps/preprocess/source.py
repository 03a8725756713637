"""Pull requests of repositories in MongoDB, read by Spark's executors in parallel and never through the driver.

A document's `_id` is `owner/name#number`, so the index of `_id` finds those of a repository.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import bson
import pyarrow as pa
from bson import MaxKey, MinKey
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from steps.common import mongo
from steps.common.mongo import Document
from steps.common.settings import MongoSettings

DOCUMENTS_PER_PARTITION = 50_000
DOCUMENTS_PER_BATCH = 1_000
MAX_PATTERN_CHARACTERS = 900  # the embedded server refuses patterns beyond 1,000 characters
SCHEMA = pa.schema([pa.field("document", pa.binary(), nullable=False)])
"""A document as its raw bytes, so that validation can name what is wrong with it."""

Query = dict[str, Any]


@dataclass(frozen=True)
class Fingerprint:
    """A fingerprint that shows whether documents changed: their number, their size, and when the last was fetched.

    Fetch sets `fetched_at` with each change; a manual change that affects none of these is not noticed.
    """

    count: int
    size: int
    last_fetched_at: datetime | None


def build_query(repositories: Sequence[str], prefix: str = "") -> Query:
    """Build the query for all documents of these repositories, usable or not; `prefix` is a pattern before their names.

    It has few patterns with many names each, so that a server that scans all documents matches each one only once.
    """
    names = " ".join(map(re.escape, repositories))
    groups = textwrap.wrap(names, MAX_PATTERN_CHARACTERS, break_long_words=False, break_on_hyphens=False)
    return {"$or": [{"_id": {"$regex": f"^{prefix}(?:{group.replace(' ', '|')})#"}} for group in groups]}


def compute_fingerprint(database: Database[Document], query: Query) -> Fingerprint:
    """Compute, on the server, the fingerprint of the documents that a query finds."""
    figures = {
        "count": {"$sum": 1},
        "size": {"$sum": {"$bsonSize": "$$ROOT"}},
        "last_fetched_at": {"$max": "$fetched_at"},
    }
    found = list(database.pull_requests.aggregate([{"$match": query}, {"$group": {"_id": None, **figures}}]))
    return Fingerprint(**{name: found[0][name] for name in figures}) if found else Fingerprint(0, 0, None)


def split_query(database: Database[Document], query: Query, documents: int) -> list[Query]:
    """Split a query into several that find about the same number of documents each."""
    wanted = -(-documents // DOCUMENTS_PER_PARTITION)
    if wanted <= 1 or _is_embedded(database):
        return [query]
    cut = [{"$match": query}, {"$project": {"_id": 1}}, {"$bucketAuto": {"groupBy": "$_id", "buckets": wanted}}]
    starts = [bucket["_id"]["min"] for bucket in database.pull_requests.aggregate(cut, allowDiskUse=True)]
    edges = [MinKey(), *starts[1:], MaxKey()]  # new documents may lie outside all buckets
    return [{"$and": [{"_id": {"$gte": low, "$lt": high}}, query]} for low, high in pairwise(edges)]


def read_documents(spark: SparkSession, settings: MongoSettings, queries: Sequence[Query]) -> DataFrame:
    """Read a frame of SCHEMA with one partition for each query; for its errors see `spark.translate_errors`."""

    def read_partitions(indices: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with mongo.open_database(settings) as database:
            for index in (index for batch in indices for index in batch.column("id").to_pylist()):
                yield from _find_batches(database, queries[index])

    each = spark.range(0, len(queries), 1, len(queries))
    return each.mapInArrow(read_partitions, from_arrow_schema(SCHEMA))


def _find_batches(database: Database[Document], query: Query) -> Iterator[pa.RecordBatch]:
    raw: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
    batch: Any  # bytes, despite the driver's annotations
    for batch in database.pull_requests.find_raw_batches(query, batch_size=DOCUMENTS_PER_BATCH):
        documents = [document.raw for document in bson.decode_all(batch, raw)]
        yield pa.RecordBatch.from_pydict({"document": documents}, SCHEMA)


def _is_embedded(database: Database[Document]) -> bool:
    """Return whether the server is the embedded one, which scans the whole collection for a range of `_id`."""
    return "secantusVersion" in database.client.admin.command("buildInfo")
