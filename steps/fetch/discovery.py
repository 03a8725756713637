"""The repositories of a run: those named, and those that a search finds."""

import logging
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from steps.common.errors import ConfigurationError, NotFound
from steps.common.normalisation import fold_name
from steps.common.repository_name import parse_repository_name
from steps.common.settings import GitHubSettings, load
from steps.fetch.github import GitHub

DEFAULT_SITE, DEFAULT_API = "github.com", "api.github.com"
CHECK_ATTEMPTS = 3
"""Attempts before a run: a person waits, and the run itself would be more patient."""

logger = logging.getLogger(__name__)


class Discovery(NamedTuple):
    """Every repository once, in GitHub's spelling, and what the search found that the token may not see."""

    repositories: list[str]
    left_out: list[str]


def discover(names: list[str], search: str, limit: int) -> Discovery:
    """Find the given repositories, then at most `limit` by the search.

    Raises:
        ConfigurationError: there is no name, one does not have the form `owner/name`, or the limit is not positive.
        NotFound: a named repository does not exist or can't be seen, or the search finds none.
    """
    if not names and not search.strip():
        raise ConfigurationError("No repository was given.", advice="Give names (owner/name), or a search.")
    if search.strip() and limit < 1:
        raise ConfigurationError(f"The search limit is {limit}.", advice="Set search_limit to 1 or more.")
    settings = load(GitHubSettings)
    wanted = parse_names(names, settings)
    with GitHub(settings) as github:
        found = [github.find_spelling(name) for name in wanted]
        if search.strip():
            found += github.search(search, limit)
    if not found:
        raise NotFound(f"No repository matches {search!r}.", advice="Try the search on GitHub's website first.")
    if github.left_out:
        logger.warning(f"left out {len(github.left_out)}: {github.left_out[0]}")
    return Discovery(list(dict.fromkeys(found)), github.left_out)


def parse_names(names: Iterable[str], settings: GitHubSettings) -> list[str]:
    """Return each repository once, as `owner/name`; URLs of the settings' GitHub are taken as well.

    Raises:
        ConfigurationError: one is neither.
    """
    api = urlsplit(settings.github_api_url).hostname or ""
    sites = {DEFAULT_SITE, api.removeprefix("api.")} if api == DEFAULT_API else {api.removeprefix("api.")}
    by_name = {fold_name(name): name for name in (parse_repository_name(text, sites) for text in names)}
    return list(by_name.values())


def check_access(names: list[str], search: str) -> list[str]:
    """Return GitHub's spelling of the names, once the token and the network are found to work; a search is tried too.

    Raises:
        ConfigurationError, NotFound, AccessRefused, Unavailable: the run would fail.
    """
    settings = load(GitHubSettings)
    wanted = parse_names(names, settings)
    with GitHub(settings, attempts=CHECK_ATTEMPTS) as github:
        found = [github.find_spelling(name) for name in wanted]
        if search.strip():
            next(github.search(search, 1), None)
    return list(dict.fromkeys(found))


def discover_repositories(names: list[str], search: str, limit: int) -> list[str]:
    """Return the repositories alone; errors are those of `discover`."""
    return discover(names, search, limit).repositories
