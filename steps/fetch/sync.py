"""Synchronises one repository: reads pages after the stored cursor, and stores each with its last cursor."""

import logging
from datetime import UTC, datetime
from typing import Any

from steps.common.mongo import open_database
from steps.common.settings import FetchSettings, load
from steps.fetch.batch import build_batch
from steps.fetch.github import GitHub
from steps.fetch.pulls import PullRequestStore

logger = logging.getLogger(__name__)


def synchronise(repository: str) -> dict[str, Any]:
    """Fetch the pull requests that are new or changed since the last run.

    Returns:
        The numbers fetched, updated and quarantined, the number of requests, and the newest update seen as the
        watermark (ISO 8601, or empty).

    Raises:
        SentinelError: GitHub or MongoDB can't be used; the next run continues after the last stored page.
    """
    settings = load(FetchSettings)
    fetched = updated = quarantined = 0
    with GitHub(settings) as github, open_database(settings) as database:
        pulls = PullRequestStore(database)
        progress = pulls.read_progress(repository)
        is_update = progress.cursor is not None
        done = pulls.count(repository) if is_update else 0
        for page, asked_at in github.iter_pages(repository, progress.cursor):
            batch = build_batch(page, progress, asked_at, now=datetime.now(UTC))
            change = pulls.commit(batch)
            progress = batch.progress
            fetched, updated = fetched + change.fetched, updated + change.updated
            quarantined += len(batch.unusable)
            done += change.fetched if is_update else len(page.pull_requests.edges)
            total = page.pull_requests.total_count
            logger.info("page stored", extra={"repository": batch.repository, "done": done, "total": total})
    return {
        "fetched": fetched,
        "updated": updated,
        "quarantined": quarantined,
        "requests": github.requests,
        "watermark": progress.watermark.isoformat() if progress.watermark else "",
    }
