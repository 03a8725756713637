"""Repositories that fetch could not read: a few cost themselves alone, too many stop the run."""

from typing import Any

import pytest
from pymongo.database import Database

from steps.common.errors import TooManyRejected
from steps.preprocess.missing import check_missing

Mongo = Database[dict[str, Any]]
NAMES = [f"example/{number}" for number in range(10)]


def lose(database: Mongo, count: int) -> None:
    """Record so many failures, and a success."""
    failed = [{"_id": name, "problem": f"There is no {name}."} for name in NAMES[:count]]
    database.sync.insert_many([*failed, {"_id": NAMES[-1], "cursor": "c"}])


@pytest.mark.parametrize(
    ("lost", "of", "most"), [(0, 10, 0.2), (2, 10, 0.2), (1, 3, 0.2), (1, 2, 0.01), (0, 1, 0.0), (4, 10, 0.4)]
)
def test_a_few_missing_repositories_are_named(database: Mongo, lost: int, of: int, most: float) -> None:
    """Their share is within the limit, or it is one of several."""
    lose(database, lost)
    names = NAMES[: of - 1] + NAMES[-1:]
    assert check_missing(database, names, most) == NAMES[:lost]


@pytest.mark.parametrize(("lost", "of", "most"), [(3, 10, 0.2), (1, 1, 0.2), (2, 2, 1.0), (1, 10, 0.0), (5, 10, 0.4)])
def test_too_many_missing_repositories_stop_the_run(database: Mongo, lost: int, of: int, most: float) -> None:
    """The first of them are named with GitHub's reason; another run's repositories don't count."""
    lose(database, lost)
    with pytest.raises(TooManyRejected, match=f"{lost} of {of} repositories.*{NAMES[0]} .There is no {NAMES[0]}"):
        check_missing(database, NAMES[:of], most)
