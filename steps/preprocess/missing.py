"""Repositories that fetch could not bring up to date: a few are left as they are, too many stop the run."""

import logging
from collections.abc import Sequence

from pymongo.database import Database

from steps.common.errors import TooManyRejected
from steps.common.mongo import Document

MAX_NAMED = 5
logger = logging.getLogger(__name__)


def check_missing(database: Database[Document], names: Sequence[str], most: float) -> list[str]:
    """Return the repositories whose last fetch failed, after a warning that names them.

    Args:
        database: the database with the collection `sync`.
        names: the repositories of this run.
        most: the maximum share, from 0 to 1; unless it is 0, one of several may always be missing.

    Raises:
        TooManyRejected: more are missing, or all of them.
    """
    found = database.sync.find({"_id": {"$in": list(names)}, "problem": {"$exists": True}})
    problems = {place["_id"]: str(place["problem"]) for place in found}
    if not problems:
        return []
    listed = "; ".join(f"{name} ({problem.rstrip('.')})" for name, problem in list(problems.items())[:MAX_NAMED])
    if len(problems) == len(names) or len(problems) > _count_allowed(len(names), most):
        raise TooManyRejected(
            f"{len(problems)} of {len(names)} repositories could not be fetched; the maximum is {most:.0%}: {listed}.",
            advice="Leave them out, or raise the parameter most_missing.",
        )
    logger.warning(f"going on without the latest of {len(problems)} of {len(names)} repositories: {listed}")
    return sorted(problems)


def _count_allowed(repositories: int, most: float) -> int:
    return max(1, int(repositories * most)) if most > 0 else 0
