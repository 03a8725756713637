"""Validation of documents: usable pull requests become rows, and the others go to quarantine."""

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
from steps.common.pull_request import PullRequest, format_reasons
from steps.common.settings import MongoSettings
from steps.scoring.row import as_row
from steps.scoring.vectors import PULL_SCHEMA

STEP = "preprocess"

RESULT_SCHEMA = pa.schema(
    [*(field.with_nullable(True) for field in PULL_SCHEMA), pa.field("reasons", pa.list_(pa.string()))]
)
"""The row of a pull request, or only the reasons why the document is unusable."""

# A date out of Python's range becomes a number, and invalid text gets a mark, so that validation can name either.
_LENIENT: CodecOptions[Document] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)


class ValidationResult(NamedTuple):
    """A document's `_id` with either its row or the reasons why it is unusable."""

    id: str
    row: dict[str, Any] | None
    reasons: list[str]


def validate(document: bytes) -> ValidationResult:
    """Validate a BSON document."""
    content = bson.decode(document, _LENIENT)
    try:
        pull = PullRequest.model_validate(content)
    except ValidationError as error:
        return ValidationResult(content["_id"], None, format_reasons(error))
    if pull.id != content["_id"]:
        return ValidationResult(content["_id"], None, ["_id: does not match base.repo.full_name and number"])
    return ValidationResult(pull.id, as_row(pull), [])


def build_batch_validator(settings: MongoSettings) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return a function that validates batches of documents into RESULT_SCHEMA and updates `quarantine`."""

    def validate_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with mongo.open_database(settings) as database:
            for batch in batches:
                results = [validate(document.as_py()) for document in batch.column("document")]
                _update_quarantine(database.quarantine, results)
                rows = [result.row or {"reasons": result.reasons} for result in results]
                yield pa.RecordBatch.from_pylist(rows, RESULT_SCHEMA)

    return validate_batches


def _update_quarantine(quarantine: Collection[Document], results: list[ValidationResult]) -> None:
    """Add the unusable documents and remove those that have become usable; repeating it changes nothing."""
    good = [f"{STEP}:{result.id}" for result in results if result.row]
    quarantine.bulk_write(
        [
            DeleteMany({"_id": {"$in": good}}),
            *(_build_quarantine_entry(result) for result in results if not result.row),
        ],
        ordered=False,
    )


def _build_quarantine_entry(result: ValidationResult) -> UpdateOne:
    entry = {"source_id": result.id, "step": STEP, "reasons": result.reasons}
    first = {"quarantined_at": datetime.now(UTC)}
    return UpdateOne({"_id": f"{STEP}:{result.id}"}, {"$set": entry, "$setOnInsert": first}, upsert=True)
