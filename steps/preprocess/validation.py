"""What makes a document a usable pull request, and what becomes of the others."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import bson
import pyarrow as pa
from bson.codec_options import CodecOptions, DatetimeConversion
from pydantic import ValidationError
from pymongo import DeleteMany, UpdateOne
from pymongo.collection import Collection

from steps.common import mongo
from steps.common.mongo import Document
from steps.common.pull_request import PullRequest, reasons
from steps.common.settings import MongoSettings
from steps.scoring.row import as_row
from steps.scoring.vectors import PULL_SCHEMA

STEP = "preprocess"
MOST_REASONS = 20

VERDICT_SCHEMA = pa.schema(
    [*(field.with_nullable(True) for field in PULL_SCHEMA), pa.field("reasons", pa.list_(pa.string()))]
)
"""A pull request as a row, or nothing but the reasons why it is none."""

# A date beyond Python's years becomes a number and broken text gets a mark, so that a reason can be given for either.
_LENIENT: CodecOptions[Document] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)


class Verdict(NamedTuple):
    """A document's `_id` with either its row or what is wrong with it."""

    id: str
    row: dict[str, Any] | None
    reasons: list[str]


def judge(document: bytes) -> Verdict:
    """Say whether a BSON document is a pull request."""
    content = bson.decode(document, _LENIENT)
    try:
        pull = PullRequest.model_validate(content)
    except ValidationError as error:
        return Verdict(content["_id"], None, reasons(error)[:MOST_REASONS])
    if pull.id != content["_id"]:
        return Verdict(content["_id"], None, ["_id: is not that of base.repo.full_name and number"])
    return Verdict(pull.id, as_row(pull), [])


def judge_batches(settings: MongoSettings) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function that turns batches of documents into batches of VERDICT_SCHEMA and keeps `quarantine` up to date."""

    def judged(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with mongo.database(settings) as database:
            for batch in batches:
                verdicts = [judge(document.as_py()) for document in batch.column("document")]
                _record(database.quarantine, verdicts)
                rows = [verdict.row or {"reasons": verdict.reasons} for verdict in verdicts]
                yield pa.RecordBatch.from_pylist(rows, VERDICT_SCHEMA)

    return judged


def _record(quarantine: Collection[Document], verdicts: list[Verdict]) -> None:
    """Put in the bad ones and take out those that are good by now; twice is the same as once."""
    good = [f"{STEP}:{verdict.id}" for verdict in verdicts if verdict.row]
    quarantine.bulk_write(
        [DeleteMany({"_id": {"$in": good}}), *(_aside(verdict) for verdict in verdicts if not verdict.row)],
        ordered=False,
    )


def _aside(verdict: Verdict) -> UpdateOne:
    named = {"source_id": verdict.id, "step": STEP, "reasons": verdict.reasons}
    first = {"quarantined_at": datetime.now(UTC)}
    return UpdateOne({"_id": f"{STEP}:{verdict.id}"}, {"$set": named, "$setOnInsert": first}, upsert=True)
