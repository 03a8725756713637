"""The verdict on a pull request to main: it is a promotion of staging, an exact rollback, or refused."""

from collections.abc import Callable

from release import promotion, rollback
from release.analysis import Analysis
from release.git import PRODUCTION, STAGING, Clone
from release.github import ProposedMerge
from release.provenance import CheckImages
from steps.common.errors import DataError


class MergeRefused(DataError):
    """The pull request must not be merged."""


def verify(clone: Clone, proposed: ProposedMerge, analyses: Callable[[], list[Analysis]], check: CheckImages) -> str:
    """Verify a pull request to main, and return what merging it does.

    Args:
        clone: a clone of the repository.
        proposed: the pull request.
        analyses: a function that returns the current results of staging's analyses; called for a promotion only.
        check: a function that returns the objections to a release's images; called for a promotion only.

    Raises:
        MergeRefused: it is neither a promotion nor a rollback.
        PromotionRefused: the promotion has objections; the message lists all of them.
        DataError: the rollback changes something else, or there are merge conflicts.
        NotFound: production never had the version.
    """
    _check_origin(clone, proposed)
    if proposed.head == STAGING:
        promotion.verify(clone, proposed.body, analyses(), check)
        return "Exactly what staging ran; its analyses passed."
    if version := rollback.find_version(proposed.head):
        rollback.verify(clone, proposed.commit, version)
        return f"Exactly production's release of version {version}; nothing else changes."
    raise MergeRefused(
        f"{proposed.head} is neither {STAGING} nor the branch of a rollback.",
        advice=f"Open the pull request to {STAGING}; it reaches {PRODUCTION} by `make promote`.",
    )


def _check_origin(clone: Clone, proposed: ProposedMerge) -> None:
    if proposed.base != PRODUCTION:
        raise MergeRefused(f"The pull request goes to {proposed.base}.", advice=f"Only {PRODUCTION} is verified.")
    if proposed.head_repository.lower() != proposed.base_repository.lower():
        raise MergeRefused(
            f"The pull request comes from {proposed.head_repository or 'a repository that is gone'}.",
            advice=f"Only branches of {proposed.base_repository} can be merged to {PRODUCTION}.",
        )
    if not clone.has_branch(proposed.head) or clone.head(proposed.head) != proposed.commit:
        raise MergeRefused(
            f"{proposed.head} is no longer at {proposed.commit}.", advice="The newer commit is verified by itself."
        )
