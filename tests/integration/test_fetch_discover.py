"""Naming the repositories to fetch."""

import pytest

from steps.common.errors import ConfigurationError, NotFound
from steps.fetch.discovery import discover, discover_repositories
from tests.support.github import StandIn


def test_a_repository_is_named_once_in_githubs_spelling(github: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names in any spelling and a search that finds them again make one entry each; no database is needed."""
    monkeypatch.delenv("MONGO_URI", raising=False)
    found = discover_repositories(["Example/DOCS", "example/docs", "example/compiler"], "org:example", 3)
    assert found == ["example/docs", "example/compiler", "example/webshop"]


def test_a_search_gives_at_most_what_is_asked_for(github: StandIn) -> None:
    """The maximum holds for the search alone."""
    assert discover_repositories([], "org:example", 2) == ["example/webshop", "example/compiler"]
    assert discover_repositories(["example/tiny"], "org:example", 1) == ["example/tiny", "example/webshop"]


def test_a_search_is_read_over_several_pages(github: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit on one page is on the next."""
    monkeypatch.setattr("steps.fetch.page_size.MAX_PAGE", 2)
    assert len(discover_repositories([], "org:example", 20)) == 5
    assert github.stats()["requests"] == 3


def test_a_search_that_finds_nothing_is_an_error(github: StandIn) -> None:
    """A workflow over no repository would look like success."""
    with pytest.raises(NotFound, match="no-such-thing"):
        discover_repositories([], "no-such-thing", 5)


def test_a_result_that_the_token_may_not_see_is_left_out(github: StandIn) -> None:
    """One repository behind single sign-on does not hide the others."""
    github.control(gaps=[[1, "node", "FORBIDDEN"]])
    found = discover([], "org:example", 2)
    assert found.repositories == ["example/webshop", "example/docs"]
    (left_out,) = found.left_out
    assert "SAML" in left_out


def test_an_unknown_name_among_others_is_named(github: StandIn) -> None:
    """One wrong name stops the run before anything is fetched."""
    with pytest.raises(NotFound, match="example/nothing"):
        discover_repositories(["example/docs", "example/nothing"], "", 20)


@pytest.mark.parametrize(
    ("names", "search", "limit"), [([], "", 20), ([], "  ", 20), (["docs"], "", 20), ([], "org:example", 0)]
)
def test_what_names_no_repository_is_refused_before_anything_is_asked(
    github: StandIn, names: list[str], search: str, limit: int
) -> None:
    """No name, no search, a name of another form, a search for none."""
    with pytest.raises(ConfigurationError):
        discover_repositories(names, search, limit)
    assert github.stats().get("requests", 0) == 0
