"""The repositories of a run: those named, and those that a search finds."""

import logging
from typing import NamedTuple

from steps.common.errors import ConfigurationError, NotFound
from steps.common.settings import GitHubSettings, load
from steps.fetch.github import GitHub, split_name

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
    for name in names:
        split_name(name)
    with GitHub(load(GitHubSettings)) as github:
        found = [github.find_spelling(name) for name in dict.fromkeys(names)]
        if search.strip():
            found += github.search(search, limit)
    if not found:
        raise NotFound(f"No repository matches {search!r}.", advice="Try the search on GitHub's website first.")
    if github.left_out:
        logger.warning(f"left out {len(github.left_out)}: {github.left_out[0]}")
    return Discovery(list(dict.fromkeys(found)), github.left_out)


def discover_repositories(names: list[str], search: str, limit: int) -> list[str]:
    """Return the repositories alone; errors are those of `discover`."""
    return discover(names, search, limit).repositories
