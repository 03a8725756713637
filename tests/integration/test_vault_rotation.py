"""A token that is replaced while a fetch runs: the new one is taken where the settings have it."""

import pytest
from pydantic import SecretStr

from steps.common.errors import AccessRefused
from steps.common.settings import GitHubSettings
from steps.fetch.github import GitHub
from tests.support.github import StandIn

REPOSITORY = "example/docs"


def started_with(token: str, github: StandIn) -> GitHub:
    """A fetch that read its settings when this was the token."""
    return GitHub(GitHubSettings(github_token=SecretStr(token), github_api_url=github.address))


def test_a_new_token_is_taken_in_the_middle(github: StandIn) -> None:
    """The old one is refused; the fixture's environment holds the one that came after it."""
    with started_with("bad-since-an-hour", github) as fetching:
        assert next(fetching.iter_pages(REPOSITORY, None)).repository.pull_requests.edges
        assert fetching.requests == 2


def test_without_a_new_one_it_is_refused_at_once(github: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks again with the same token."""
    monkeypatch.setenv("GITHUB_TOKEN", "bad-since-an-hour")
    with started_with("bad-since-an-hour", github) as fetching, pytest.raises(AccessRefused, match="refuses the token"):
        next(fetching.iter_pages(REPOSITORY, None))
    assert fetching.requests == 1
