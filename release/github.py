"""Pull requests, through PyGithub."""

from collections.abc import Iterator
from contextlib import contextmanager

from github import Auth, Github
from github.GithubException import GithubException
from github.PullRequest import PullRequest
from github.Repository import Repository
from requests.exceptions import RequestException

from release.settings import HubSettings
from steps.common.errors import AccessRefused, NotFound, SentinelError, Unavailable

TIMEOUT_SECONDS = 30
UNAUTHORISED, FORBIDDEN, MISSING, INVALID = 401, 403, 404, 422
AGAIN = "already exists"


class Hub:
    """The one repository at GitHub."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def find(self, head: str, base: str) -> PullRequest | None:
        """The open pull request from one branch to another."""
        owner = self._repository.full_name.partition("/")[0]
        found = self._repository.get_pulls(state="open", head=f"{owner}:{head}", base=base)
        return next(iter(found), None)

    def propose(self, head: str, base: str, title: str, body: str) -> PullRequest:
        """The pull request from one branch to another, opened or brought up to date."""
        if found := self.find(head, base):
            found.edit(title=title, body=body)
            return found
        try:
            return self._repository.create_pull(base=base, head=head, title=title, body=body)
        except GithubException as error:
            found = self.find(head, base) if error.status == INVALID and AGAIN in str(error.data) else None
            if found is None:
                raise
            found.edit(title=title, body=body)  # somebody else has just opened it
            return found

    def body(self, number: int) -> str:
        """What a pull request says."""
        return self._repository.get_pull(number).body or ""


@contextmanager
def hub(settings: HubSettings) -> Iterator[Hub]:
    """The repository that the settings name, with GitHub's failures told in words.

    Raises:
        AccessRefused: the token is not accepted, or may not do this.
        NotFound: there is no such repository or pull request, or the token can't see it.
        Unavailable: GitHub does not answer as it should.
    """
    client = Github(
        auth=Auth.Token(settings.github_token.get_secret_value()),
        base_url=settings.github_api_url,
        timeout=TIMEOUT_SECONDS,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    try:
        yield Hub(client.get_repo(settings.github_repository))
    except GithubException as error:
        raise _told(settings, error) from None
    except RequestException as error:
        raise Unavailable(
            f"{settings.github_api_url} does not answer ({type(error).__name__}).", advice="Run it again."
        ) from None
    finally:
        client.close()


def _told(settings: HubSettings, error: GithubException) -> SentinelError:
    said = error.data.get("message", "") if isinstance(error.data, dict) else ""
    where = f"GitHub, asked for {settings.github_repository}, says {error.status} {said}".rstrip()
    if error.status in {UNAUTHORISED, FORBIDDEN}:
        return AccessRefused(f"{where}.", advice="Check GITHUB_TOKEN: it needs to write pull requests.")
    if error.status == MISSING:
        return NotFound(f"{where}.", advice="Check GITHUB_REPOSITORY, and what the token may see.")
    return Unavailable(f"{where}.", advice="Run it again.")
