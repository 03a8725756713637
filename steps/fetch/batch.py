"""A page of pull requests as it is stored: documents, unusable ones, and the progress that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from steps.common.graphql_errors import GraphQLError, Meaning
from steps.common.mongo import Document
from steps.fetch.conversion import UnusablePullRequest, convert_pull_request
from steps.fetch.queries import RepositoryPage

SETTLED_AFTER = timedelta(seconds=60)
"""The cursor stays before pull requests updated this recently: more may follow with the same second."""
_PLACE = 3
"""Where a path such as repository, pullRequests, edges, 3, node, author has the place on the page."""


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


def build_batch(
    page: RepositoryPage, before: Progress, asked_at: datetime, now: datetime, gaps: Sequence[GraphQLError] = ()
) -> PageBatch:
    """Build the batch of a page that was requested at `asked_at` by GitHub's clock and fetched at `now`.

    `before` is the progress until then, and `gaps` the errors because of which something in the page is null.
    """
    hidden = _find_hidden_authors(gaps)
    batch = PageBatch(page.name_with_owner, before)
    cursor, watermark = before
    settled = True
    for place, edge in enumerate(page.pull_requests.edges):
        try:
            document = convert_pull_request(edge, page.name_with_owner, now, hidden.get(place))
        except UnusablePullRequest as unusable:
            batch.unusable.append(unusable)
        else:
            batch.documents[document["_id"]] = document
            updated_at: datetime = document["updated_at"]
            watermark = max(watermark, updated_at) if watermark else updated_at
            settled = settled and updated_at <= asked_at - SETTLED_AFTER
        if settled and edge.cursor is not None:
            cursor = edge.cursor
    batch.progress = Progress(cursor, watermark)
    return batch


def _find_hidden_authors(gaps: Sequence[GraphQLError]) -> dict[int, str]:
    """Return why an author is hidden, by the place on the page; without this, null means a deleted account."""
    return {
        int(gap.path[_PLACE]): f"GitHub hides its author: {gap.message}"
        for gap in gaps
        if gap.meaning is Meaning.HIDDEN and gap.path[_PLACE + 1 :] == ("node", "author")
    }
