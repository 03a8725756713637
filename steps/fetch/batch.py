"""A page of pull requests as it is stored: documents, unusable ones, and the progress that it makes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from steps.common.mongo import Document
from steps.fetch.conversion import UnusablePullRequest, convert_pull_request
from steps.fetch.queries import RepositoryPage

SETTLED_AFTER = timedelta(seconds=60)
"""The cursor stays before pull requests updated this recently: more may follow with the same second."""


class Progress(NamedTuple):
    """How far a repository was read: the cursor to continue from, and the newest update seen."""

    cursor: str | None = None
    watermark: datetime | None = None


@dataclass
class PageBatch:
    """The content of a page to store; documents by their `_id`."""

    repository: str
    progress: Progress
    documents: dict[str, Document] = field(default_factory=dict)
    unusable: list[UnusablePullRequest] = field(default_factory=list)


def build_batch(page: RepositoryPage, before: Progress, asked_at: datetime, now: datetime) -> PageBatch:
    """Build the batch of a page that was requested at `asked_at` by GitHub's clock and fetched at `now`."""
    batch = PageBatch(page.name_with_owner, before)
    cursor, watermark = before
    settled = True
    for edge in page.pull_requests.edges:
        try:
            document = convert_pull_request(edge, page.name_with_owner, now)
        except UnusablePullRequest as unusable:
            batch.unusable.append(unusable)
        else:
            batch.documents[document["_id"]] = document
            updated_at: datetime = document["updated_at"]
            watermark = max(watermark, updated_at) if watermark else updated_at
            settled = settled and updated_at <= asked_at - SETTLED_AFTER
        if settled:
            cursor = edge.cursor
    batch.progress = Progress(cursor, watermark)
    return batch
