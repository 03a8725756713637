"""Bring one repository up to date: read pages after the stored cursor, keep each with the place where it ends."""

import logging
from datetime import UTC, datetime
from typing import Any

from steps.common.mongo import open_database
from steps.common.settings import FetchSettings, load
from steps.fetch.batch import digest
from steps.fetch.github import GitHub
from steps.fetch.pulls import Pulls

logger = logging.getLogger(__name__)


def synchronise(repository: str) -> dict[str, Any]:
    """Fetch what is new or changed since the last run.

    Returns:
        How many were fetched, updated and quarantined, the requests sent, and as the watermark the newest update seen
        (ISO 8601, empty where there is none).

    Raises:
        SentinelError: GitHub or MongoDB can't be used; the next run goes on after what was kept until then.
    """
    settings = load(FetchSettings)
    fetched = updated = quarantined = 0
    with GitHub(settings) as github, open_database(settings) as opened:
        pulls = Pulls(opened)
        progress = pulls.progress(repository)
        is_update = progress.cursor is not None
        done = pulls.count(repository) if is_update else 0
        for page, asked_at in github.pages(repository, progress.cursor):
            batch = digest(page, progress, asked_at, now=datetime.now(UTC))
            change = pulls.commit(batch)
            progress = batch.progress
            fetched, updated = fetched + change.fetched, updated + change.updated
            quarantined += len(batch.unusable)
            done += change.fetched if is_update else len(page.pull_requests.edges)
            total = page.pull_requests.total_count
            logger.info("page kept", extra={"repository": batch.repository, "done": done, "total": total})
    return {
        "fetched": fetched,
        "updated": updated,
        "quarantined": quarantined,
        "requests": github.requests,
        "watermark": progress.watermark.isoformat() if progress.watermark else "",
    }
