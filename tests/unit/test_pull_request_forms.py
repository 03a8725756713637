"""One pull request by REST, by GraphQL and by webhook: the same row, whatever is known of it or broken."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from samples import deliver, graph, rest
from samples.generate import generate_repositories
from samples.records import SampleRepository
from samples.server import LATEST
from steps.common.fields import MAX_BODY_CHARACTERS, MAX_TITLE_CHARACTERS
from steps.common.pull_request import PullRequest, is_cross_repository
from steps.fetch.conversion import convert_pull_request
from steps.fetch.queries import PULL_REQUESTS, Edge
from steps.scoring.row import as_row

ALL = generate_repositories()
BUDGET = {"cost": 1, "limit": 5_000, "remaining": 4_999, "resetAt": LATEST}
NOW = datetime(2026, 9, 1, tzinfo=UTC)
EVERY = [(name, number) for name, repository in ALL.items() for number in repository.pulls]
UNKNOWN = {"author_id": None, "head_ref": None, "cross_repository": None, "files": None}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def by_graphql(repository: SampleRepository, number: int) -> dict[str, Any]:
    """The document that fetch keeps."""
    owner, name = repository.full_name.split("/")
    alone = SampleRepository(repository.full_name, {number: repository.pulls[number]})
    root = graph.Root({repository.full_name: alone}, LATEST, BUDGET)
    answer = graph.answer(PULL_REQUESTS, {"owner": owner, "name": name, "first": 1}, root)
    (edge,) = answer["data"]["repository"]["pullRequests"]["edges"]
    return convert_pull_request(Edge.model_validate(edge), repository.full_name, NOW)


def by_rest(repository: SampleRepository, number: int) -> dict[str, Any]:
    """What the service makes of REST's two answers."""
    path = f"/repos/{repository.full_name}/pulls/{number}"
    pull, files = (rest.answer(ALL, LATEST, path + more, "per_page=100", "http://x") for more in ("", "/files"))
    assert pull is not None
    assert files is not None
    return dict(pull[0]) | {"files": files[0]}


def row(content: dict[str, Any]) -> dict[str, Any]:
    return as_row(PullRequest.model_validate(content))


@given(st.sampled_from(EVERY))
def test_every_form_gives_the_same_row(which: tuple[str, int]) -> None:
    """REST with its files, GraphQL, and a webhook's payload once the files are with it."""
    repository, number = ALL[which[0]], which[1]
    pull = by_rest(repository, number)
    delivered = deliver.build_payload(repository, number, "opened")["pull_request"] | {"files": pull["files"]}
    stored = by_graphql(repository, number)
    assert row(stored) == row(pull) == row(delivered)
    assert PullRequest.model_validate(stored) == PullRequest.model_validate(
        PullRequest.model_validate(pull).model_dump()
    )


@given(st.fixed_dictionaries({}, optional={"files": JSON, "head": JSON, "cross_repository": JSON}), JSON)
def test_nothing_that_stands_in_an_optional_field_costs_the_pull_request(fields: dict[str, Any], account: Any) -> None:
    """Or changes what else is known of it."""
    pull = by_rest(ALL["example/docs"], 17)
    broken = row(pull | fields | {"user": pull["user"] | {"id": account}})
    assert {name: broken[name] for name in broken if name not in UNKNOWN} == {
        name: value for name, value in row(pull).items() if name not in UNKNOWN
    }


@pytest.mark.parametrize(
    ("head", "base", "expected"),
    [
        ({"repo": {"full_name": "a/b"}}, "a/b", False),
        ({"repo": {"full_name": "A/B"}}, "a/b", False),
        ({"repo": {"full_name": "c/b"}}, "a/b", True),
        ({"repo": {"name": "b", "owner": {"login": "c"}}}, "a/b", True),
        ({"repo": None}, "a/b", True),
        ({"repo": None, "label": "a:patch-1"}, "a/b", True),
        ({"label": "a:patch-1"}, "a/b", False),
        ({"label": "c:patch-1"}, "a/b", True),
        ({"label": "patch-1"}, "a/b", None),
        ({"label": 5}, "a/b", None),
        ({"ref": "patch-1"}, "a/b", None),
        ({"repo": 5}, "a/b", None),
        ({"repo": {"full_name": 5}}, "a/b", None),
        (None, "a/b", None),
        ({"repo": {"full_name": "a/b"}}, None, None),
    ],
)
def test_where_a_branch_lies_is_told_by_its_repository(head: Any, base: Any, expected: bool | None) -> None:
    """By its owner where the repository is left out; a repository that is gone was a fork."""
    assert is_cross_repository(head, {"repo": {"full_name": base}}) is expected


@pytest.mark.parametrize("field", ["title", "body"])
def test_a_text_is_as_long_as_it_was_sent(field: str) -> None:
    """Composed, its characters would be half as many, and it would pass the limit that the description states."""
    most = MAX_TITLE_CHARACTERS if field == "title" else MAX_BODY_CHARACTERS
    decomposed = "e\u0301" * (most // 2)
    repository = ALL["example/docs"]
    given = rest.format_pull_request(repository.pulls[1], repository, deliver.API)
    assert getattr(PullRequest.model_validate(given | {field: decomposed}), field) == "\u00e9" * (most // 2)
    with pytest.raises(ValidationError, match="at most"):
        PullRequest.model_validate(given | {field: f"{decomposed}!"})
