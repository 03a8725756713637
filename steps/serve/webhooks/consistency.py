"""GitHub's API may show a pull request later than its webhook does: a delivery proves what its pull request is."""

from datetime import UTC, datetime, timedelta

from steps.common.errors import NotFound, SentinelError
from steps.common.github_errors import RepositoryBlocked, TransientError
from steps.serve.github_access import FetchedPullRequest
from steps.serve.webhooks.deliveries import Delivery
from steps.serve.webhooks.events import Notice

GRACE = timedelta(minutes=5)
"""Time in which GitHub's API catches up with its webhooks; after that its response is taken as it is."""


def is_settled(delivery: Delivery) -> bool:
    """Return whether the API had the time to catch up."""
    return datetime.now(UTC) - delivery.received_at > GRACE


def is_premature(error: SentinelError, delivery: Delivery) -> bool:
    """Return whether an error says that something is missing which the delivery proves to be there."""
    return isinstance(error, NotFound) and not isinstance(error, RepositoryBlocked) and not is_settled(delivery)


def require_current(fetched: FetchedPullRequest, delivery: Delivery) -> None:
    """Check that a pull request is at least as new as its delivery.

    Raises:
        TransientError: GitHub still shows it as it was before.
    """
    if is_older(fetched, delivery.notice) and not is_settled(delivery):
        raise TransientError("GitHub still shows the pull request as it was before this delivery")


def is_older(fetched: FetchedPullRequest, notice: Notice) -> bool:
    """Return whether a pull request was fetched in an earlier state than the delivery's.

    Another head is newer than the delivery's only if the pull request was updated since.
    """
    updated_at = notice.updated_at
    if updated_at is not None and fetched.pull.updated_at != updated_at:
        return fetched.pull.updated_at < updated_at
    return fetched.head_sha != notice.head_sha
