"""The one way from pull requests to what a model reads: as rows, with the features they show, as a vector."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from steps.common.pull_request import PullRequest
from steps.scoring.features import own
from steps.scoring.row import as_row

FILE_TYPE = pa.struct(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("additions", pa.int32(), nullable=False),
        pa.field("deletions", pa.int32(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
    ]
)
"""A changed file; its status is one letter of `changed_files.LETTERS`."""

PULL_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("repository", pa.string(), nullable=False),
        pa.field("number", pa.int32(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("body", pa.string(), nullable=False),
        pa.field("author", pa.string(), nullable=False),
        pa.field("created_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("additions", pa.int32(), nullable=False),
        pa.field("deletions", pa.int32(), nullable=False),
        pa.field("changed_files", pa.int32(), nullable=False),
        pa.field("commits", pa.int32(), nullable=False),
        pa.field("author_id", pa.int64()),
        pa.field("author_type", pa.string(), nullable=False),
        pa.field("head_ref", pa.string()),
        pa.field("cross_repository", pa.bool_()),
        pa.field("merged_at", pa.timestamp("us", "UTC")),
        pa.field("files", pa.list_(FILE_TYPE)),
    ]
)
"""A pull request as a row: all that features are made of; null is not known.

`merged_at` says how it ended: only later pull requests may look at it, once it has passed.
"""


def plain_rows(pulls: Sequence[PullRequest]) -> list[dict[str, Any]]:
    """Pull requests as rows, with the features that they show by themselves."""
    return with_own([as_row(pull) for pull in pulls])


def with_own(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of PULL_SCHEMA with what `features.own` adds."""
    return [{**row, **own(row)} for row in rows]


def vector(features: Mapping[str, Any], names: Sequence[str]) -> NDArray[np.float64]:
    """The named features [features], rounded as in a dataset, which keeps 32 bits of each."""
    return np.array([features[name] for name in names], np.float32).astype(np.float64)
