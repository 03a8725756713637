"""Pull requests become rows and vectors in one way, however many there are at once."""

import numpy as np

from steps.common.pull_request import PullRequest
from steps.scoring.vectors import PULL_SCHEMA, plain_rows, vector
from tests.support.documents import BUSY, document


def parsed(number: int, **changes: object) -> PullRequest:
    """A pull request as GitHub has it."""
    return PullRequest.model_validate(document(BUSY, number, **changes))


def test_a_row_is_the_same_alone_as_among_others() -> None:
    """So that a service, which sees one at a time, reads what training read."""
    pulls = [parsed(number) for number in range(1, 40)]
    assert plain_rows(pulls) == [plain_rows([pull])[0] for pull in pulls]


def test_a_row_holds_the_fields_and_then_the_features() -> None:
    """The fields come first, as the schema names them."""
    found = plain_rows([parsed(7, additions=99, deletions=0)])[0]
    assert list(found)[: len(PULL_SCHEMA)] == PULL_SCHEMA.names
    assert (found["id"], found["additions"], found["log_lines"]) == (f"{BUSY}#7", 99, np.log(100.0))


def test_the_opening_is_told_in_utc() -> None:
    """Wherever its author was."""
    assert plain_rows([parsed(1, created_at="2026-01-01T01:30:00+05:00")])[0]["created_at"].hour == 20


def test_an_author_who_is_gone_is_a_ghost_and_no_body_an_empty_one() -> None:
    """As training had them."""
    found = plain_rows([parsed(1, user=None, body=None)])[0]
    assert (found["author"], found["body"], found["body_length"]) == ("ghost", "", 0.0)


def test_no_pull_requests_are_no_rows() -> None:
    """An empty list needs no special care."""
    assert plain_rows([]) == []


def test_a_vector_is_rounded_as_a_dataset_rounds_it() -> None:
    """In the order of the names, 32 bits of each."""
    found = vector({"one": 1 / 3, "two": 2, "three": 0.1}, ["three", "one"])
    assert found.dtype == np.float64
    assert found.tolist() == [float(np.float32(0.1)), float(np.float32(1 / 3))]
