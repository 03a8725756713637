"""A pull request as it is on GitHub now, by its name or by the address of its page."""

import re
from typing import Any, NamedTuple

from github import Auth, Github, GithubException, UnknownObjectException
from pydantic import ValidationError
from requests.exceptions import RequestException

from steps.common.errors import AccessRefused, ConfigurationError, DataError, NotFound, Unavailable
from steps.common.pull_request import PullRequest, reasons
from steps.common.settings import ServeSettings

TIMEOUT_SECONDS = 10
PATH = re.compile(r"/([A-Za-z0-9][A-Za-z0-9_-]*)/([A-Za-z0-9._-]+)/pull/([1-9]\d{0,9})(?:[/?#].*)?")
REFUSED = (401, 403)
LATER = (403, 429)
"""Of these, those with a rate limit's headers pass."""


class Named(NamedTuple):
    """A pull request's repository and number."""

    repository: str
    number: int


def named(url: str, site: str) -> Named:
    """What the address of a page on this GitHub names.

    Raises:
        DataError: it is not the address of a pull request there.
    """
    match = PATH.fullmatch(url.strip().removeprefix(site)) if url.strip().startswith(site) else None
    if match is None:
        raise DataError("That is not the address of a pull request.", advice=f"Give {site}/owner/name/pull/1.")
    return Named(f"{match[1]}/{match[2]}", int(match[3]))


def client(settings: ServeSettings) -> Github:
    """GitHub by the service's token, without PyGithub's own pauses and second tries.

    Raises:
        ConfigurationError: there is no token.
    """
    if settings.github_token is None:
        raise ConfigurationError("This service has no token for GitHub.", advice="Set GITHUB_TOKEN, or use /score.")
    return Github(
        auth=Auth.Token(settings.github_token.get_secret_value()),
        base_url=settings.github_api_url,
        timeout=TIMEOUT_SECONDS,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )


def fetch(github: Github, wanted: Named) -> PullRequest:
    """Ask GitHub for a pull request.

    Raises:
        NotFound: there is none, or the token may not see it.
        AccessRefused: the token is not accepted.
        Unavailable: GitHub does not answer, or asks to wait.
        DataError: what came is no pull request.
    """
    what = f"{wanted.repository}#{wanted.number}"
    try:
        _, content = github.requester.requestJsonAndCheck("GET", f"/repos/{wanted.repository}/pulls/{wanted.number}")
        return PullRequest.model_validate(content)
    except UnknownObjectException:
        raise NotFound(f"There is no {what}, or the token may not see it.", advice="Check its address.") from None
    except ValidationError as error:
        raise DataError(f"{what} can't be used: {'; '.join(reasons(error))}.", advice="Look at it on GitHub.") from None
    except GithubException as error:
        raise _refused(error) from None
    except RequestException as error:
        raise Unavailable(f"GitHub does not answer ({type(error).__name__}).", advice="Try again later.") from None


def _refused(error: GithubException) -> AccessRefused | Unavailable:
    headers: dict[str, Any] = {name.lower(): value for name, value in (error.headers or {}).items()}
    limited = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    if error.status in REFUSED and not (limited and error.status in LATER):
        return AccessRefused("GitHub does not accept the token.", advice="Give the service another GITHUB_TOKEN.")
    return Unavailable(f"GitHub answered {error.status}.", advice="Try again later.")
