"""MongoDB's pull requests of some repositories, read by Spark's executors side by side and never through the driver.

A document's `_id` is `owner/name#number`, so the index that every collection has finds a repository's.
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
LONGEST_PATTERN = 900  # the embedded server refuses patterns beyond 1,000 characters
SCHEMA = pa.schema([pa.field("document", pa.binary(), nullable=False)])
"""A document as it is, so that what is wrong with it can still be said."""

Query = dict[str, Any]


@dataclass(frozen=True)
class Fingerprint:
    """What tells whether documents changed: their number, the bytes in them, and when the last one was fetched.

    Fetch moves `fetched_at` with each change; one by hand that moves none of these isn't seen.
    """

    count: int
    size: int
    last_fetched_at: datetime | None


def of_repositories(repositories: Sequence[str]) -> Query:
    """The query for all documents of these repositories, usable or not.

    Few patterns of many names: a server that goes through all documents asks each once, not once for each repository.
    """
    names = " ".join(map(re.escape, repositories))
    groups = textwrap.wrap(names, LONGEST_PATTERN, break_long_words=False, break_on_hyphens=False)
    return {"$or": [{"_id": {"$regex": f"^(?:{group.replace(' ', '|')})#"}} for group in groups]}


def fingerprint(database: Database[Document], query: Query) -> Fingerprint:
    """Ask the server for the fingerprint of the documents that a query finds."""
    figures = {
        "count": {"$sum": 1},
        "size": {"$sum": {"$bsonSize": "$$ROOT"}},
        "last_fetched_at": {"$max": "$fetched_at"},
    }
    found = list(database.pull_requests.aggregate([{"$match": query}, {"$group": {"_id": None, **figures}}]))
    return Fingerprint(**{name: found[0][name] for name in figures}) if found else Fingerprint(0, 0, None)


def partitions(database: Database[Document], query: Query, documents: int) -> list[Query]:
    """Cut a query into several that find about as many documents each."""
    wanted = -(-documents // DOCUMENTS_PER_PARTITION)
    if wanted <= 1 or _scans(database):
        return [query]
    cut = [{"$match": query}, {"$project": {"_id": 1}}, {"$bucketAuto": {"groupBy": "$_id", "buckets": wanted}}]
    starts = [bucket["_id"]["min"] for bucket in database.pull_requests.aggregate(cut, allowDiskUse=True)]
    edges = [MinKey(), *starts[1:], MaxKey()]  # what comes in meanwhile is before or after a bucket
    return [{"$and": [{"_id": {"$gte": low, "$lt": high}}, query]} for low, high in pairwise(edges)]


def read(spark: SparkSession, settings: MongoSettings, queries: Sequence[Query]) -> DataFrame:
    """A frame of SCHEMA with one partition for each query; Spark wraps errors, see `spark.translate_errors`."""

    def answers(indices: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with mongo.open_database(settings) as database:
            for index in (index for batch in indices for index in batch.column("id").to_pylist()):
                yield from _documents(database, queries[index])

    each = spark.range(0, len(queries), 1, len(queries))
    return each.mapInArrow(answers, from_arrow_schema(SCHEMA))


def _documents(database: Database[Document], query: Query) -> Iterator[pa.RecordBatch]:
    raw: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
    answer: Any  # bytes, whatever the driver's annotations say
    for answer in database.pull_requests.find_raw_batches(query, batch_size=DOCUMENTS_PER_BATCH):
        documents = [document.raw for document in bson.decode_all(answer, raw)]
        yield pa.RecordBatch.from_pydict({"document": documents}, SCHEMA)


def _scans(database: Database[Document]) -> bool:
    """Whether the server is the embedded one, which goes through the whole collection for a range of `_id`."""
    return "secantusVersion" in database.client.admin.command("buildInfo")
