"""The sweep: pull requests whose delivery was lost or refused are found by listing what was updated since.

GitHub does not repeat a failed delivery by itself.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from pymongo.errors import PyMongoError

from steps.common.errors import SentinelError
from steps.common.github_errors import TransientError
from steps.serve import metrics
from steps.serve.github_access import CredentialProvider, GitHubRestClient
from steps.serve.webhooks.deliveries import Arrival, DeliveryQueue
from steps.serve.webhooks.events import ListedPullRequest, Notice
from steps.serve.webhooks.repositories import WebhookRepositories, WebhookRepository

CHECK_SECONDS = 10.0
"""Interval of looking for a repository that is due; the first look is that long after the start."""
PAUSE_SECONDS = 2.0
"""Pause between two repositories, so that sweeps use at most a third of a token's requests in an hour."""
REFUSED_SECONDS = 3_600.0
"""Pause after GitHub denied access to a repository."""
SETTLE = timedelta(seconds=30)
"""The time that a delivery may take; younger updates are left to the next sweep."""
OVERLAP = timedelta(minutes=5)
"""GitHub's lists may show an update late."""
ALIVE = timedelta(days=1)
"""Time after a repository's last delivery in which what a sweep finds may be published; its webhook may be gone."""
PER_PAGE = 100
MAX_PAGES = 30

logger = logging.getLogger(__name__)


class Sweeper:
    """Sweeps one repository at a time; `wake_worker` is called after each in which something was found."""

    def __init__(
        self,
        repositories: WebhookRepositories,
        deliveries: DeliveryQueue,
        credentials: CredentialProvider,
        wake_worker: Callable[[], None],
    ) -> None:
        self._repositories = repositories
        self._deliveries = deliveries
        self._credentials = credentials
        self._wake_worker = wake_worker

    async def run(self) -> None:
        """Sweep until cancelled; failures are retried, and so is an unfinished sweep by the next service."""
        swept = False
        while True:
            await asyncio.sleep(PAUSE_SECONDS if swept else CHECK_SECONDS)
            swept = False
            try:
                swept = await self._sweep_next()
            except PyMongoError as error:  # the worker warns of it
                logger.debug("MongoDB does not answer; sweeps are waiting", extra={"error": type(error).__name__})
            except Exception:
                logger.exception("unexpected error in a sweep")

    async def _sweep_next(self) -> bool:
        """Sweep the repository that has been due longest, and return False if none is due."""
        repository = await self._repositories.take()
        if repository is None:
            return False
        try:
            github = self._credentials.for_installation(repository.installation)
            listed = await asyncio.to_thread(_list_updated, github, repository)
        except TransientError as error:
            logger.info("sweep postponed", extra={"repository": repository.name, "problem": error.problem})
        except SentinelError as error:
            logger.warning("sweep refused", extra={"repository": repository.name, "problem": error.problem})
            await self._repositories.postpone(repository, REFUSED_SECONDS)
        else:
            await self._enqueue_missed(repository, listed)
            if listed:
                await self._repositories.finish(repository, max(one.updated_at for one in listed))
        return True

    async def _enqueue_missed(self, repository: WebhookRepository, listed: Sequence[ListedPullRequest]) -> None:
        known = await self._deliveries.find_fingerprints(repository.name, [one.number for one in listed])
        missed = [one for one in listed if known.get(one.number) != one.compute_fingerprint()]
        if not missed:
            return
        # The App's installation is known to exist: GitHub gave a token for it.
        is_alive = repository.installation is not None or datetime.now(UTC) - repository.delivered_at < ALIVE
        notices = [_build_notice(repository, one, is_published=is_alive) for one in missed]
        new = (await asyncio.gather(*map(self._deliveries.enqueue, notices))).count(Arrival.NEW)
        metrics.count_missed_deliveries(new)
        logger.info("found missed deliveries", extra={"repository": repository.name, "count": new})
        self._wake_worker()


def _build_notice(repository: WebhookRepository, listed: ListedPullRequest, *, is_published: bool) -> Notice:
    fingerprint = listed.compute_fingerprint()
    return Notice(
        f"sweep {repository.name}#{listed.number} {listed.updated_at.isoformat()} {fingerprint[:16]}",
        "opened" if listed.created_at >= repository.since - OVERLAP else "synchronize",
        repository.name,
        listed.number,
        listed.head.sha,
        repository.installation,
        listed.updated_at,
        fingerprint,
        is_published=is_published,
    )


def _list_updated(github: GitHubRestClient, repository: WebhookRepository) -> list[ListedPullRequest]:
    """List the pull requests updated since the last sweep: those that are open, and those opened since; this blocks.

    Raises:
        TransientError, SentinelError: as for `GitHubRestClient.request`.
    """
    since = repository.since - OVERLAP
    found: list[ListedPullRequest] = []
    order = {"state": "all", "sort": "updated", "direction": "desc", "per_page": str(PER_PAGE)}
    for page in range(1, MAX_PAGES + 1):
        items = github.list_items(f"/repos/{repository.name}/pulls", order | {"page": str(page)})
        for item in items:
            with suppress(ValidationError):  # without a head commit or a date, there is nothing to compare
                found.append(ListedPullRequest.model_validate(item))
        if len(items) < PER_PAGE or (found and found[-1].updated_at < since):
            break
    settled = [one for one in found if since <= one.updated_at <= datetime.now(UTC) - SETTLE]
    # An old one that was closed just now was open before, and scored then if a webhook reported it.
    return [one for one in settled if one.state == "open" or one.created_at >= since]
