"""One page as it is kept: documents, what can't be one, and how far the repository is read with it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from steps.common.mongo import Document
from steps.fetch.conversion import Unusable, document
from steps.fetch.queries import Repository

SETTLED_AFTER = timedelta(seconds=60)
"""The cursor stays before what was updated this recently: more may still come in the same second."""


class Progress(NamedTuple):
    """How far a repository is read: the cursor to go on after, and the newest update seen."""

    cursor: str | None = None
    watermark: datetime | None = None


@dataclass
class Batch:
    """What one page of a repository comes to; documents by their `_id`."""

    repository: str
    progress: Progress
    documents: dict[str, Document] = field(default_factory=dict)
    unusable: list[Unusable] = field(default_factory=list)


def digest(page: Repository, before: Progress, asked_at: datetime, now: datetime) -> Batch:
    """Turn a page, asked for at `asked_at` by GitHub's clock, into a batch fetched `now`."""
    batch = Batch(page.name_with_owner, before)
    cursor, watermark = before
    settled = True
    for edge in page.pull_requests.edges:
        try:
            made = document(edge, page.name_with_owner, now)
        except Unusable as unusable:
            batch.unusable.append(unusable)
        else:
            batch.documents[made["_id"]] = made
            updated_at: datetime = made["updated_at"]
            watermark = max(watermark, updated_at) if watermark else updated_at
            settled = settled and updated_at <= asked_at - SETTLED_AFTER
        if settled:
            cursor = edge.cursor
    batch.progress = Progress(cursor, watermark)
    return batch
