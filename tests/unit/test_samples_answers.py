"""What the stand-in answers, without its server."""

from typing import Any

import pytest

from samples import graph, rest
from samples.faults import Faults
from samples.generate import generate_repositories
from samples.server import LATEST
from steps.fetch.queries import NAME, PULL_REQUESTS, SEARCH

ALL = generate_repositories()
BUDGET = {"cost": 1, "limit": 5_000, "remaining": 4_999, "resetAt": LATEST}
DOCS = {"owner": "example", "name": "docs"}


def ask(query: str, **variables: Any) -> dict[str, Any]:
    return graph.answer(query, variables, graph.Root(ALL, LATEST, BUDGET))


def test_pages_follow_each_other_without_gap() -> None:
    """From the first to the last in the order of their updates, each once."""
    seen, after, more = [], None, True
    while more:
        page = ask(PULL_REQUESTS, **DOCS, first=70, after=after)["data"]["repository"]["pullRequests"]
        seen += [(edge["node"]["updatedAt"], edge["node"]["number"]) for edge in page["edges"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == sorted(seen)
    assert sorted(number for _, number in seen) == list(range(1, 401))


@pytest.mark.parametrize("repository", ALL)
def test_every_pull_request_fits_the_schema(repository: str) -> None:
    """No answer has an error beside it."""
    owner, name = repository.split("/")
    after = None
    for _ in range(0, len(ALL[repository].pulls) + 1, 100):
        answer = ask(PULL_REQUESTS, owner=owner, name=name, first=100, after=after)
        assert "errors" not in answer
        after = answer["data"]["repository"]["pullRequests"]["pageInfo"]["endCursor"]


@pytest.mark.parametrize(
    ("query", "variables", "kind"),
    [
        (NAME, {"owner": "example", "name": "nothing"}, "NOT_FOUND"),
        (PULL_REQUESTS, {**DOCS, "first": 10, "after": "nonsense"}, "INVALID_CURSOR_ARGUMENTS"),
        (PULL_REQUESTS, {**DOCS, "first": 101}, "INVALID_PAGINATION"),
        (SEARCH, {"words": "docs", "first": -1}, "INVALID_PAGINATION"),
    ],
)
def test_what_github_refuses_is_refused_in_its_words(query: str, variables: dict[str, Any], kind: str) -> None:
    """The error's type stands at its top."""
    assert [error["type"] for error in ask(query, **variables)["errors"]] == [kind]


@pytest.mark.parametrize("query", ["{", "{ repository { stars } }"])
def test_a_wrong_query_is_refused(query: str) -> None:
    """Text that is not a query, and fields that don't exist."""
    assert set(ask(query)) == {"errors"}


@pytest.mark.parametrize(
    ("words", "found"),
    [("shop", ["example/webshop"]), ("user:example doc", ["example/docs"]), ("org:nobody", []), ("shop docs", [])],
)
def test_a_search_looks_at_names_and_owners(words: str, found: list[str]) -> None:
    """Every word must be there."""
    nodes = ask(SEARCH, words=words, first=10)["data"]["search"]["nodes"]
    assert [node["nameWithOwner"] for node in nodes] == found


def test_a_list_leaves_out_what_a_single_one_has() -> None:
    """As in GitHub's REST interface: sizes cost one more request each."""
    found = rest.answer(ALL, LATEST, "/repos/example/docs/pulls", "per_page=2&page=2", "http://x")
    assert found
    listed, headers = found
    assert len(listed) == 2
    assert "page=3" in headers["Link"]
    single = rest.answer(ALL, LATEST, f"/repos/example/docs/pulls/{listed[0]['number']}", "", "http://x")
    assert single
    assert set(single[0]) - set(listed[0]) == {"additions", "deletions", "changed_files", "commits"}


def test_files_come_in_pages_like_everything_else() -> None:
    """With the counts and the words of REST; the hundredth is the last one that there is."""
    pull = max(ALL["example/webshop"].pulls.values(), key=lambda pull: pull.changed_files)
    path = f"/repos/example/webshop/pulls/{pull.number}/files"
    whole, second, third = (
        rest.answer(ALL, LATEST, path, query, "http://x")
        for query in ("per_page=100", "per_page=40&page=2", "per_page=100&page=2")
    )
    assert whole is not None
    assert second is not None
    assert third is not None
    assert len(whole[0]) == 100 < pull.changed_files
    assert second[0] == whole[0][40:80]
    assert third[0] == []
    assert set(whole[0][0]) == {"filename", "status", "additions", "deletions", "changes"}


@pytest.mark.parametrize("path", ["/repos/example/nothing", "/repos/example/docs/pulls/401", "/user", "/repos/example"])
def test_what_rest_does_not_have_is_nothing(path: str) -> None:
    """The server answers 404 to it."""
    assert rest.answer(ALL, LATEST, path, "", "http://x") is None


@pytest.mark.parametrize("wanted", [{"next": ["earthquake"]}, {"latency": 5}])
def test_an_unknown_fault_or_setting_is_refused(wanted: dict[str, Any]) -> None:
    """A test that misspells a fault must not pass for want of it."""
    with pytest.raises(ValueError, match="no such"):
        Faults().set(wanted)


def test_a_limit_holds_for_every_request_until_it_is_over() -> None:
    """And those sent meanwhile are counted."""
    faults = Faults(retry_after=600)
    faults.set({"next": ["secondary", "500"]})
    assert [faults.take(), faults.take()] == ["secondary", "secondary"]
    assert faults.stats["requests_during_retry_after"] == 1
