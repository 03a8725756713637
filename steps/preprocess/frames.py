"""The frames between MongoDB and the dataset: validated documents, their counts, and the rows of the dataset."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812 - the customary name
from pyspark.sql.pandas.types import from_arrow_schema

from steps.common import log
from steps.common.dataset import RejectedDocuments
from steps.common.settings import MongoSettings
from steps.preprocess import source
from steps.preprocess.injection import Text
from steps.preprocess.rows import ROW_SCHEMA, featurise
from steps.preprocess.validation import RESULT_SCHEMA, build_batch_validator
from steps.scoring.vectors import PULL_SCHEMA
from steps.scoring.wording import BODY_CHARACTERS

TEXTS_PER_REPOSITORY = 300
MAX_TEXTS = 4_000
MAX_TITLE_CHARACTERS = 256
REPORT_INTERVAL_SECONDS = 2.0

Batches = Iterator[pa.RecordBatch]

logger = logging.getLogger(__name__)


class RepositoryCount(NamedTuple):
    """The number of a repository's usable pull requests, and when the first and the last of them were opened."""

    rows: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class DocumentCounts:
    """The counts of all documents; repositories are sorted by name."""

    repositories: dict[str, RepositoryCount]
    rejected: RejectedDocuments

    @property
    def pulls(self) -> int:
        """The number of usable pull requests."""
        return sum(self.sizes.values())

    @property
    def sizes(self) -> dict[str, int]:
        """The number of usable pull requests of each repository."""
        return {name: count.rows for name, count in self.repositories.items()}


def validate_documents(session: SparkSession, settings: MongoSettings, queries: Sequence[source.Query]) -> DataFrame:
    """Validate every document into a row of RESULT_SCHEMA, persisted on disk so that MongoDB is read once."""
    documents = source.read_documents(session, settings, queries)
    validated = documents.mapInArrow(build_batch_validator(settings), from_arrow_schema(RESULT_SCHEMA))
    return validated.persist(StorageLevel.DISK_ONLY)


def count_documents(results: DataFrame) -> DocumentCounts:
    """Count the results by repository; it is the first action on them, so it reads MongoDB."""
    figures = F.count("*").alias("rows"), F.min("created_at").alias("first"), F.max("created_at").alias("last")
    groups = _to_dicts(results.groupBy("repository").agg(*figures))
    found = {row.pop("repository"): RepositoryCount(**row) for row in groups}
    rejected = found.pop(None).rows if None in found else 0  # rows without a repository have reasons
    total = rejected + sum(count.rows for count in found.values())
    share = rejected / total if total else 0.0
    return DocumentCounts(dict(sorted(found.items())), RejectedDocuments(count=rejected, share=share))


def build_rows(results: DataFrame, counts: DocumentCounts) -> DataFrame:
    """Build the rows of the dataset; each repository is processed in order by one executor."""
    pulls = results.where("id IS NOT NULL").select(*PULL_SCHEMA.names)
    by_size = sorted(counts.sizes, key=lambda name: -counts.sizes[name])  # the longest work starts first
    place = F.array_position(F.array(*map(F.lit, by_size)).cast("array<string>"), F.col("repository")).cast("int")
    ordered = pulls.repartitionById(max(1, len(by_size)), place).sortWithinPartitions(
        "repository", "created_at", "number"
    )
    featurise_batches = _build_featuriser(counts.sizes, sample_texts(pulls, counts))
    return ordered.mapInArrow(featurise_batches, from_arrow_schema(ROW_SCHEMA))


def sample_texts(pulls: DataFrame, counts: DocumentCounts) -> list[Text]:
    """Sample a few texts of each repository, always the same ones."""
    wanted = min(TEXTS_PER_REPOSITORY, MAX_TEXTS // max(1, len(counts.repositories)) + 1)
    shuffled = Window.partitionBy("repository").orderBy(F.xxhash64("id"), "id")
    numbered = pulls.select("id", F.row_number().over(shuffled).alias("place"), "repository")
    chosen = pulls.join(F.broadcast(numbered.where(F.col("place") <= wanted).select("id")), "id").orderBy("id")
    title = F.substring("title", 1, MAX_TITLE_CHARACTERS).alias("title")
    body = F.substring("body", 1, BODY_CHARACTERS).alias("body")
    return [Text(**row) for row in _to_dicts(chosen.select("repository", title, body))]


def _build_featuriser(sizes: Mapping[str, int], foreign: Sequence[Text]) -> Callable[[Batches], Batches]:
    def run(batches: Batches) -> Batches:
        log.configure()
        return featurise(log_progress(batches, sizes), sizes, foreign)

    return run


def log_progress(batches: Batches, sizes: Mapping[str, int]) -> Batches:
    """Yield the batches unchanged, and log the progress of a repository at intervals."""
    done, due = 0, time.monotonic() + REPORT_INTERVAL_SECONDS
    for batch in batches:
        yield batch
        done += batch.num_rows
        if time.monotonic() > due:
            due += REPORT_INTERVAL_SECONDS
            name = batch.column("repository")[0].as_py()
            logger.info("features computed", extra={"repository": name, "done": done, "total": sizes[name]})


def _to_dicts(frame: DataFrame) -> list[dict[Any, Any]]:
    return frame.toArrow().to_pylist()  # type: ignore[no-any-return]
