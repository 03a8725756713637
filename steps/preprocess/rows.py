"""From validated pull requests in the order of their opening to rows of the dataset.

The pass runs once over each repository, as a generator over Arrow batches, so that its memory does not grow with the rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

TRAIN_SHARE = 0.60
VALIDATION_SHARE = 0.15


class Text(NamedTuple):
    """A title and a body from some repository, to be planted in another one."""

    repository: str
    title: str
    body: str


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
        pa.field("labels", pa.list_(pa.string()), nullable=False),
        pa.field("assignees", pa.list_(pa.string()), nullable=False),
    ]
)
"""What the pass reads."""

FEATURES: tuple[str, ...] = ("log_additions",)

ROW_SCHEMA = pa.schema(
    [
        pa.field("split", pa.string()),  # train, validation, test, injected or history
        pa.field("id", pa.string()),
        pa.field("repository", pa.string()),
        pa.field("number", pa.int32()),
        pa.field("created_at", pa.timestamp("us", "UTC")),
        pa.field("additions", pa.int32()),
        pa.field("reverts", pa.int32()),  # the number of the pull request that this one takes back
        pa.field("kind", pa.string()),  # of an injected anomaly
        *(pa.field(name, pa.float32()) for name in FEATURES),
        pa.field("state", pa.binary()),  # of a repository's history, one row each, in split history
    ]
)
"""What the pass yields; a row of split `history` has only `repository` and `state`."""


def featurise(
    batches: Iterator[pa.RecordBatch], sizes: Mapping[str, int], foreign: Sequence[Text]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of whole repositories.

    Args:
        batches: of PULL_SCHEMA, ordered by repository, then created_at, then number; a repository is never spread over two calls.
        sizes: how many pull requests each repository has, which decides where its splits are.
        foreign: texts of several repositories, for the injected anomalies that need another one's.

    Yields:
        Batches of ROW_SCHEMA.
    """
    raise NotImplementedError
