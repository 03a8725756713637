"""Fetch pull requests from GitHub by their URLs."""

import asyncio
import re
from math import ceil
from typing import NamedTuple

from github import Auth

from steps.common.errors import ConfigurationError, DataError, NotFound
from steps.common.github_errors import RepositoryBlocked, TransientError
from steps.common.pull_request import PullRequest
from steps.common.repository_name import PATTERN, is_repository_name
from steps.common.settings import ServeSettings
from steps.serve.github_access import GitHubRestClient
from steps.serve.http.problems import RequestRefused

FETCH_TIMEOUT_SECONDS = 25.0
"""Time for requests ahead in the queue and for GitHub's response."""
DEFAULT_RETRY_SECONDS = 10
SAMPLES = " (the samples)"
OTHER_SITE = re.compile(rf"https?://([\w.-]+)(?::\d+)?/{PATTERN}/pull/[1-9]\d*(?:[/?#].*)?", re.ASCII)
PULL_REQUEST_PATH = re.compile(rf"/({PATTERN})/pull/([1-9]\d{{0,8}})(?:[/?#].*)?", re.ASCII)


class PullRequestRef(NamedTuple):
    """A pull request's repository and number."""

    repository: str
    number: int


def parse_url(url: str, site: str) -> PullRequestRef:
    """Parse the URL of a pull request on this GitHub; only the repository and the number are used.

    Raises:
        DataError: it is not the URL of a pull request there.
    """
    given = url.strip()
    is_here = given.lower().startswith(f"{site.lower()}/")
    if not is_here and (other := OTHER_SITE.fullmatch(given)):
        raise DataError(
            f"This service looks pull requests up at {site}{SAMPLES if site.endswith('.example') else ''}, "
            f"not at {other[1]}.",
            advice=f"Use one such as {site}/owner/name/pull/1.",
        )
    match = PULL_REQUEST_PATH.fullmatch(given[len(site) :]) if is_here else None
    if match is None or not is_repository_name(match[1]):
        raise DataError("This is not the URL of a pull request.", advice=f"Use one such as {site}/owner/name/pull/1.")
    return PullRequestRef(match[1], int(match[2]))


class PullRequestFetcher:
    """Fetches pull requests with the service's token, one at a time."""

    def __init__(self, settings: ServeSettings) -> None:
        token = settings.github_token
        self._github = (
            GitHubRestClient(settings.github_api_url, Auth.Token(token.get_secret_value())) if token else None
        )
        self._turn = asyncio.Lock()

    async def fetch(self, wanted: PullRequestRef) -> PullRequest:
        """Fetch a pull request.

        Raises:
            ConfigurationError: the service has no token.
            NotFound: the pull request does not exist, or the token has no access to it.
            SentinelError: the response is not a pull request, or access is denied.
            RequestRefused: GitHub does not answer properly, or limits the rate.
        """
        if self._github is None:
            raise ConfigurationError(
                "This service has no GitHub token.", advice="Send the pull request's fields instead."
            )
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_SECONDS), self._turn:
                return (await asyncio.to_thread(self._github.fetch_pull_request, *wanted)).pull
        except RepositoryBlocked:
            raise
        except NotFound:
            raise NotFound(
                f"GitHub has no {wanted.repository}#{wanted.number}, or the service's token has no access to it.",
                advice="Check the URL.",
            ) from None
        except TransientError as error:
            raise _retry_later(error.problem, error.wait) from None
        except TimeoutError:
            raise _retry_later("it takes too long to respond", None) from None

    def close(self) -> None:
        """Close the connections."""
        if self._github is not None:
            self._github.close()


def _retry_later(problem: str, wait: float | None) -> RequestRefused:
    headers = {"Retry-After": str(ceil(wait or DEFAULT_RETRY_SECONDS))}
    return RequestRefused(503, f"GitHub is not available now: {problem}.", headers=headers)
