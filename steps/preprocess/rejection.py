"""The limit of documents that can't be pull requests: those that fetch put aside, and those that are found here."""

from collections.abc import Sequence

from pymongo.database import Database

from steps.common.errors import TooManyRejected
from steps.common.mongo import Document
from steps.preprocess.source import build_query

BY_FETCH, BY_ANY_STEP = "fetch:", "(?:fetch|preprocess):"
"""Patterns of what an `_id` in `quarantine` begins with, before the pull request's."""
MAX_COMMON_REASONS = 3


class RejectionLimit:
    """The maximum share of unusable documents among those of some repositories.

    `documents` is the number of their documents in `pull_requests`. What fetch could not use never gets there: if
    GitHub's answers change their form, `quarantine` alone grows.
    """

    def __init__(self, database: Database[Document], repositories: Sequence[str], documents: int, most: float) -> None:
        self._quarantine = database.quarantine
        self._repositories = repositories
        self._most = most
        self._put_aside = self._quarantine.count_documents(build_query(repositories, BY_FETCH))
        self._total = documents + self._put_aside

    def check(self, rejected: int) -> float:
        """Return the share of unusable documents, from 0 to 1, if so many of those in `pull_requests` are.

        Raises:
            TooManyRejected: it is above the limit.
        """
        count = rejected + self._put_aside
        share = count / self._total if self._total else 0.0
        if share > self._most:
            raise TooManyRejected(
                f"{count} documents ({share:.1%}) are not usable pull requests; the maximum is {self._most:.1%}. "
                f"The most common reasons: {'; '.join(self._find_common_reasons())}.",
                advice="Look into the collection `quarantine`, or raise the parameter most_rejected.",
            )
        return share

    def _find_common_reasons(self) -> list[str]:
        """Return the most common reasons, with their counts."""
        found = self._quarantine.aggregate(
            [
                {"$match": build_query(self._repositories, BY_ANY_STEP)},
                {"$unwind": "$reasons"},
                {"$group": {"_id": "$reasons", "count": {"$sum": 1}}},
                {"$sort": {"count": -1, "_id": 1}},
                {"$limit": MAX_COMMON_REASONS},
            ]
        )
        return [f"{reason['_id']} ({reason['count']})" for reason in found]
