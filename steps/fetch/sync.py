"""Synchronises one repository: reads pages after the stored cursor, and stores each with its last cursor."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from steps.common import lineage, mongo
from steps.common.errors import SentinelError
from steps.common.graphql_errors import GraphQLError
from steps.common.lineage_names import build_collection, build_repository
from steps.common.settings import FetchSettings, load
from steps.fetch.batch import build_batch
from steps.fetch.github import GitHub
from steps.fetch.pulls import ChangeCounts, PullRequestStore

logger = logging.getLogger(__name__)


class RunCounts(NamedTuple):
    """The counts of a run; `missing` are the pull requests and fields that GitHub did not show."""

    fetched: int = 0
    updated: int = 0
    quarantined: int = 0
    missing: int = 0

    def add(self, change: ChangeCounts, *, quarantined: int, hidden: int) -> "RunCounts":
        """Return the counts with those of another page."""
        fetched, updated, before, missing = self
        return RunCounts(fetched + change.fetched, updated + change.updated, before + quarantined, missing + hidden)


def synchronise(repository: str) -> dict[str, Any]:
    """Fetch the pull requests that are new or changed since the last run.

    Returns:
        The numbers fetched, updated and quarantined, the number of pull requests and fields that GitHub did not show,
        the number of requests, and the newest update seen as the watermark (ISO 8601, or empty).

    Raises:
        SentinelError: GitHub or MongoDB can't be used; the next run continues after the last stored page, and the
            reason is stored for `preprocess`.
    """
    settings = load(FetchSettings)
    lineage.describe(reads=[build_repository(settings.github_api_url, repository)])
    with GitHub(settings) as github, mongo.open_database(settings) as database:
        pulls = PullRequestStore(database)
        try:
            counts, watermark = _read_pages(github, pulls, repository)
        except SentinelError as error:
            pulls.record_failure(repository, error.problem)
            raise
        pulls.record_success(repository)
    written = {"pull_requests": counts.fetched + counts.updated, "quarantine": counts.quarantined}
    hosts, name = mongo.format_hosts(settings.mongo_uri), settings.mongo_db
    lineage.describe(writes=[build_collection(hosts, name, collection, rows) for collection, rows in written.items()])
    return {
        **counts._asdict(),
        "requests": github.requests,
        "watermark": watermark.isoformat() if watermark else "",
    }


def _read_pages(github: GitHub, pulls: PullRequestStore, repository: str) -> tuple[RunCounts, datetime | None]:
    """Store all pages and return the counts and the watermark."""
    progress = pulls.read_progress(repository)
    is_update = progress.cursor is not None
    done = pulls.count(repository) if is_update else 0
    total, counts = 0, RunCounts()
    for page, asked_at, gaps in github.iter_pages(repository, progress.cursor):
        batch = build_batch(page, progress, asked_at, datetime.now(UTC), gaps)
        change = pulls.commit(batch)
        progress = batch.progress
        counts = counts.add(change, quarantined=len(batch.unusable), hidden=len(gaps))
        done += change.fetched if is_update else len(page.pull_requests.edges)
        total = page.pull_requests.total_count
        if gaps:
            _warn(batch.repository, f"GitHub hides {len(gaps)} parts of a page: {_describe(gaps)}")
        logger.info("page stored", extra={"repository": batch.repository, "done": done, "total": total})
    if (unlisted := total - done) > 0:
        _warn(repository, f"GitHub counts {total:,} pull requests of {repository} but lists {done:,} of them")
    return counts._replace(missing=counts.missing + max(unlisted, 0)), progress.watermark


def _describe(gaps: Sequence[GraphQLError]) -> str:
    """Return the first of the errors, in GitHub's words, with its place."""
    first = gaps[0]
    return f"{'.'.join(map(str, first.path))}: {first.message}"


def _warn(repository: str, problem: str) -> None:
    logger.warning(problem, extra={"repository": repository})
