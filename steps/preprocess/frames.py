"""The frames between MongoDB and the dataset: judged documents, what they come to, and the rows made of them."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812 - everybody's name for it
from pyspark.sql.pandas.types import from_arrow_schema

from steps.common import log
from steps.common.dataset import Rejected
from steps.common.settings import MongoSettings
from steps.preprocess import source
from steps.preprocess.injection import Text
from steps.preprocess.rows import ROW_SCHEMA, featurise
from steps.preprocess.validation import VERDICT_SCHEMA, judge_batches
from steps.scoring.vectors import PULL_SCHEMA
from steps.scoring.wording import BODY_CHARACTERS

TEXTS_PER_REPOSITORY = 300
MOST_TEXTS = 4_000
TITLE_CUT = 256
COMMONEST = 3
SECONDS_BETWEEN_REPORTS = 2.0

Batches = Iterator[pa.RecordBatch]

logger = logging.getLogger(__name__)


class Share(NamedTuple):
    """A repository's usable pull requests, and when the first and the last of them was opened."""

    rows: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Census:
    """What all documents come to; repositories in the order of their names."""

    repositories: dict[str, Share]
    rejected: Rejected

    @property
    def pulls(self) -> int:
        """How many usable pull requests there are in all."""
        return sum(self.sizes.values())

    @property
    def sizes(self) -> dict[str, int]:
        """How many usable pull requests each repository has."""
        return {name: share.rows for name, share in self.repositories.items()}


def verdicts(session: SparkSession, settings: MongoSettings, queries: Sequence[source.Query]) -> DataFrame:
    """Every document as a row of VERDICT_SCHEMA, kept on disk so that MongoDB is read once."""
    documents = source.read(session, settings, queries)
    judged = documents.mapInArrow(judge_batches(settings), from_arrow_schema(VERDICT_SCHEMA))
    return judged.persist(StorageLevel.DISK_ONLY)


def census(verdicts: DataFrame) -> Census:
    """Count, by repository; the first thing asked of the verdicts, so this is when MongoDB is read."""
    figures = F.count("*").alias("rows"), F.min("created_at").alias("first"), F.max("created_at").alias("last")
    found = {row.pop("repository"): Share(**row) for row in _listed(verdicts.groupBy("repository").agg(*figures))}
    bad = found.pop(None).rows if None in found else 0  # what has no repository has reasons
    total = bad + sum(share.rows for share in found.values())
    return Census(dict(sorted(found.items())), Rejected(count=bad, share=bad / total if total else 0.0))


def commonest_reasons(verdicts: DataFrame) -> list[str]:
    """The reasons that most rejected documents share, with their numbers."""
    reasons = verdicts.select(F.explode("reasons").alias("reason")).groupBy("reason").count()
    return [
        f"{row['reason']} ({row['count']})"
        for row in _listed(reasons.orderBy(F.desc("count"), "reason").limit(COMMONEST))
    ]


def rows(verdicts: DataFrame, census: Census) -> DataFrame:
    """The rows of the dataset, each repository in one go on one executor."""
    pulls = verdicts.where("id IS NOT NULL").select(*PULL_SCHEMA.names)
    by_size = sorted(census.sizes, key=lambda name: -census.sizes[name])  # the longest work starts first
    place = F.array_position(F.array(*map(F.lit, by_size)).cast("array<string>"), F.col("repository")).cast("int")
    ordered = pulls.repartitionById(max(1, len(by_size)), place).sortWithinPartitions(
        "repository", "created_at", "number"
    )
    return ordered.mapInArrow(_pass(census.sizes, foreign_texts(pulls, census)), from_arrow_schema(ROW_SCHEMA))


def foreign_texts(pulls: DataFrame, census: Census) -> list[Text]:
    """A few texts of each repository, always the same ones."""
    wanted = min(TEXTS_PER_REPOSITORY, MOST_TEXTS // max(1, len(census.repositories)) + 1)
    shuffled = Window.partitionBy("repository").orderBy(F.xxhash64("id"), "id")
    numbered = pulls.select("id", F.row_number().over(shuffled).alias("place"), "repository")
    chosen = pulls.join(F.broadcast(numbered.where(F.col("place") <= wanted).select("id")), "id").orderBy("id")
    cut = F.substring("title", 1, TITLE_CUT).alias("title"), F.substring("body", 1, BODY_CHARACTERS).alias("body")
    return [Text(**row) for row in _listed(chosen.select("repository", *cut))]


def _pass(sizes: Mapping[str, int], foreign: Sequence[Text]) -> Callable[[Batches], Batches]:
    def run(batches: Batches) -> Batches:
        log.configure()
        return featurise(reported(batches, sizes), sizes, foreign)

    return run


def reported(batches: Batches, sizes: Mapping[str, int]) -> Batches:
    """The same batches, with a line in the log now and then about how far a repository is."""
    done, due = 0, time.monotonic() + SECONDS_BETWEEN_REPORTS
    for batch in batches:
        yield batch
        done += batch.num_rows
        if time.monotonic() > due:
            due += SECONDS_BETWEEN_REPORTS
            name = batch.column("repository")[0].as_py()
            logger.info("features worked out", extra={"repository": name, "done": done, "total": sizes[name]})


def _listed(frame: DataFrame) -> list[dict[Any, Any]]:
    return frame.toArrow().to_pylist()  # type: ignore[no-any-return]
