"""A pull request as it is on GitHub now, by the address of its page."""

import asyncio
import re
from math import ceil
from typing import NamedTuple

from github import Auth

from steps.common.errors import ConfigurationError, DataError, NotFound
from steps.common.github_errors import TransientError
from steps.common.pull_request import PullRequest
from steps.common.settings import ServeSettings
from steps.serve.github_access import GitHub
from steps.serve.http.problems import Refused

PATIENCE_SECONDS = 25.0
"""For others that are asked for first, and the answer."""
LATER_SECONDS = 10
PATH = re.compile(r"/([A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+)/pull/([1-9]\d{0,8})(?:[/?#].*)?", re.ASCII)


class Named(NamedTuple):
    """A pull request's repository and number."""

    repository: str
    number: int


def named(url: str, site: str) -> Named:
    """What the address of a page on this GitHub names; nothing else of it is used.

    Raises:
        DataError: it is not the address of a pull request there.
    """
    given = url.strip()
    match = PATH.fullmatch(given.removeprefix(site)) if given.startswith(site) else None
    if match is None or match[1].rpartition("/")[2] in (".", ".."):
        raise DataError("That is not the address of a pull request.", advice=f"Give {site}/owner/name/pull/1.")
    return Named(match[1], int(match[2]))


class Pulls:
    """Asks GitHub by the service's token, for one pull request after the other."""

    def __init__(self, settings: ServeSettings) -> None:
        token = settings.github_token
        self._github = GitHub(settings.github_api_url, Auth.Token(token.get_secret_value())) if token else None
        self._turn = asyncio.Lock()

    async def fetch(self, wanted: Named) -> PullRequest:
        """Fetch a pull request.

        Raises:
            ConfigurationError: there is no token.
            NotFound: there is no such pull request, or the token may not see it.
            SentinelError: what came is no pull request, or GitHub forbids it.
            Refused: GitHub does not answer as it should, or asks to wait.
        """
        if self._github is None:
            raise ConfigurationError(
                "This service has no token for GitHub.", advice="Give the pull request's fields instead."
            )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._turn:
                return (await asyncio.to_thread(self._github.pull_request, *wanted)).pull
        except NotFound:
            raise NotFound(
                f"GitHub has no {wanted.repository}#{wanted.number}, or the service's token may not see it.",
                advice="Check the address.",
            ) from None
        except TransientError as obstacle:
            raise _later(obstacle.problem, obstacle.wait) from None
        except TimeoutError:
            raise _later("it takes too long to answer", None) from None

    def close(self) -> None:
        """End the connections."""
        if self._github is not None:
            self._github.close()


def _later(problem: str, wait: float | None) -> Refused:
    headers = {"Retry-After": str(ceil(wait or LATER_SECONDS))}
    return Refused(503, f"GitHub can't be asked now: {problem}.", headers=headers)
