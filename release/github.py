"""Pull requests on GitHub, through PyGithub."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from github import Auth, Github
from github.GithubException import GithubException
from github.PullRequest import PullRequest
from github.Repository import Repository
from requests.exceptions import RequestException

from release.settings import GitHubRepoSettings
from steps.common.errors import AccessRefused, NotFound, SentinelError, Unavailable

TIMEOUT_SECONDS = 30
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, UNPROCESSABLE = 401, 403, 404, 422
ALREADY_EXISTS = "already exists"
STATUS = "verify"
"""The commit status that branch protection requires."""
MAX_DESCRIPTION_LENGTH = 140
"""Characters that GitHub accepts in a status."""


class ProposedMerge(NamedTuple):
    """A pull request as GitHub describes it: from where, to where, the commit at its head, and its body."""

    head_repository: str
    head: str
    commit: str
    base_repository: str
    base: str
    body: str


class GitHubRepo:
    """The project's repository on GitHub."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def find_pull_request(self, head: str, base: str) -> PullRequest | None:
        """Return the open pull request from one branch to another."""
        owner = self._repository.full_name.partition("/")[0]
        found = self._repository.get_pulls(state="open", head=f"{owner}:{head}", base=base)
        return next(iter(found), None)

    def open_pull_request(self, head: str, base: str, title: str, body: str) -> PullRequest:
        """Open or update the pull request from one branch to another."""
        if found := self.find_pull_request(head, base):
            found.edit(title=title, body=body)
            return found
        try:
            return self._repository.create_pull(base=base, head=head, title=title, body=body)
        except GithubException as error:
            # Another run may just have opened it.
            is_duplicate = error.status == UNPROCESSABLE and ALREADY_EXISTS in str(error.data)
            found = self.find_pull_request(head, base) if is_duplicate else None
            if found is None:
                raise
            found.edit(title=title, body=body)
            return found

    def describe(self, number: int) -> ProposedMerge:
        """Return what a pull request would merge."""
        found = self._repository.get_pull(number)
        base, head = found.base, found.head
        # A deleted fork has no repository.
        where = head.repo.full_name if head.repo else ""
        return ProposedMerge(where, head.ref, head.sha, base.repo.full_name, base.ref, found.body or "")

    def set_status(self, commit: str, state: str, description: str) -> None:
        """Set the status `verify` of a commit: `pending`, `success` or `failure`."""
        status = {"state": state, "context": STATUS, "description": description[:MAX_DESCRIPTION_LENGTH]}
        self._repository.requester.requestJsonAndCheck(
            "POST", f"{self._repository.url}/statuses/{commit}", input=status
        )


@contextmanager
def open_repo(settings: GitHubRepoSettings) -> Iterator[GitHubRepo]:
    """Open the repository named by the settings, and translate GitHub's errors.

    Raises:
        AccessRefused: the token is not accepted or lacks a permission.
        NotFound: the repository or pull request does not exist, or the token can't see it.
        Unavailable: GitHub does not respond, or with another error.
    """
    client = Github(
        auth=Auth.Token(settings.github_token.get_secret_value()),
        base_url=settings.github_api_url,
        timeout=TIMEOUT_SECONDS,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    try:
        yield GitHubRepo(client.get_repo(settings.github_repository))
    except GithubException as error:
        raise _translate_error(settings, error) from None
    except RequestException as error:
        raise Unavailable(
            f"{settings.github_api_url} does not respond ({type(error).__name__}).", advice="Run the command again."
        ) from None
    finally:
        client.close()


def _translate_error(settings: GitHubRepoSettings, error: GithubException) -> SentinelError:
    message = error.data.get("message", "") if isinstance(error.data, dict) else ""
    where = f"GitHub returned {error.status} for {settings.github_repository}: {message}".rstrip(": ")
    if error.status in {UNAUTHORIZED, FORBIDDEN}:
        return AccessRefused(f"{where}.", advice="Check GITHUB_TOKEN: it needs write permission for pull requests.")
    if error.status == NOT_FOUND:
        return NotFound(f"{where}.", advice="Check GITHUB_REPOSITORY, and that the token can read it.")
    return Unavailable(f"{where}.", advice="Run the command again.")
