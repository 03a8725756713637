"""GitHub's GraphQL interface through PyGithub, with one way of trying again."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar, cast

from github import Auth, Github
from github.GithubException import GithubException
from pydantic import ValidationError
from requests.exceptions import RequestException
from tenacity import (
    Future,
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from steps.common.errors import AccessRefused, ConfigurationError, NotFound
from steps.common.github_errors import InvalidCursorError, TransientError, parse_server_time, translate_error
from steps.common.pull_request import reasons
from steps.common.repository_name import check_repository_name
from steps.common.settings import GitHubSettings, load
from steps.fetch.page_size import MAX_PAGE, PageSize
from steps.fetch.queries import (
    NAME,
    PULL_REQUESTS,
    SEARCH,
    Answer,
    NameAnswer,
    PullRequestsAnswer,
    Repository,
    SearchAnswer,
)

TIMEOUT_SECONDS = 30
ATTEMPTS = 8
FIRST_WAIT_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30
LARGEST_SEARCH = 1_000  # GitHub shows no more of what a search finds

AnyAnswer = TypeVar("AnyAnswer", bound=Answer)
logger = logging.getLogger(__name__)


class Page(NamedTuple):
    """A page of a repository's pull requests, and GitHub's time when it was asked for."""

    repository: Repository
    asked_at: datetime


class GitHub:
    """A token at a GitHub; counts every request that it sends."""

    def __init__(self, settings: GitHubSettings) -> None:
        self.requests = 0
        self._settings = settings
        self._address = settings.github_api_url
        self._page_size = PageSize()
        self._github = _connection(settings)
        self._retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=_wait,
            stop=_stop,
            before_sleep=_tell,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._github.close()

    def ask(
        self, query: str, form: type[AnyAnswer], variables: dict[str, Any], *, most: int | None = None
    ) -> tuple[AnyAnswer, datetime]:
        """Ask until there is an answer of this form; `most` is how many items of a page are wanted.

        Returns:
            The answer, and GitHub's time.

        Raises:
            SentinelError: what a person can mend, `Unavailable` where asking again was no help.
        """
        try:
            return self._retrying(self._send, query, form, variables, most)
        except TransientError as obstacle:
            if obstacle.partial is None:
                raise obstacle.to_unavailable(self._address) from None
            logger.warning("taking an answer with gaps", extra={"problem": obstacle.problem})
            return form.model_validate(obstacle.partial), datetime.now(UTC)

    def _send(
        self, query: str, form: type[AnyAnswer], variables: dict[str, Any], most: int | None
    ) -> tuple[AnyAnswer, datetime]:
        paging: dict[str, Any] = {} if most is None else {"first": min(most, self._page_size.items)}
        if not self._page_size.with_files:
            paging["files"] = False
        self.requests += 1
        try:
            headers, answer = self._github.requester.graphql_query(query, variables | paging)
        except (GithubException, RequestException, RuntimeError, ValueError, TypeError, AttributeError) as error:
            # RuntimeError is a redirection, the last three are a body that isn't a JSON object
            meaning = translate_error(error, self._address)
            if isinstance(meaning, AccessRefused) and self._renewed():
                meaning = TransientError("the token was refused, and there is a new one")
            if isinstance(meaning, TransientError) and meaning.heavy:
                self._page_size.shrink()
            raise meaning from None
        parsed = _parse(answer, form)
        logger.info("GitHub answered", extra=parsed.rate_limit.model_dump() if parsed.rate_limit else {})
        self._page_size.grow()
        return parsed, parse_server_time(headers)

    def _renewed(self) -> bool:
        """Take the token that has come into the old one's place meanwhile; a first fetch may outlast one."""
        settings = load(GitHubSettings)
        if settings.github_token == self._settings.github_token:
            return False
        self._github.close()
        self._settings, self._github = settings, _connection(settings)
        return True

    def pages(self, repository: str, after: str | None) -> Iterator[Page]:
        """Yield pull requests after a cursor, least recently updated first.

        Where GitHub refuses the cursor, they start from the first one.

        Raises:
            NotFound: the repository does not exist, or the token may not see it.
        """
        try:
            page = self._page(repository, after)
        except InvalidCursorError as error:
            if after is None:
                raise
            logger.warning("cursor refused, starting from the beginning", extra={"problem": error.problem})
            page = self._page(repository, None)
        yield page
        while page.repository.pull_requests.edges and page.repository.pull_requests.page_info.has_next:
            page = self._page(repository, page.repository.pull_requests.page_info.end_cursor)
            yield page

    def _page(self, repository: str, after: str | None) -> Page:
        owner, name = _split(repository)
        variables = {"owner": owner, "name": name, "after": after}
        answer, asked_at = self.ask(PULL_REQUESTS, PullRequestsAnswer, variables, most=MAX_PAGE)
        if answer.repository is None:
            raise _not_found(repository)
        return Page(answer.repository, asked_at)

    def spelled(self, repository: str) -> str:
        """GitHub's own spelling of a repository's name.

        Raises:
            NotFound: the repository does not exist, or the token may not see it.
        """
        owner, name = _split(repository)
        answer, _ = self.ask(NAME, NameAnswer, {"owner": owner, "name": name})
        if answer.repository is None:
            raise _not_found(repository)
        return answer.repository.name_with_owner

    def search(self, words: str, limit: int) -> Iterator[str]:
        """Yield the names of at most `limit` repositories, in GitHub's order."""
        after, left = None, min(limit, LARGEST_SEARCH)
        while left > 0:
            answer, _ = self.ask(SEARCH, SearchAnswer, {"words": words, "after": after}, most=left)
            found = [node.name_with_owner for node in answer.search.nodes if node]
            yield from found
            after, left = answer.search.page_info.end_cursor, left - len(found)
            if not found or not answer.search.page_info.has_next:
                return


def repositories(names: list[str], search: str, limit: int) -> list[str]:
    """Name every repository once, in GitHub's own spelling: the given ones, then at most `limit` that a search finds.

    Raises:
        ConfigurationError: nothing is named, or not in the form `owner/name`, or the limit is not positive.
        NotFound: a repository does not exist or can't be seen, or the search finds none.
    """
    if not names and not search.strip():
        raise ConfigurationError("No repository is named.", advice="Give names (owner/name), or a search.")
    if search.strip() and limit < 1:
        raise ConfigurationError(f"A search for {limit} repositories finds none.", advice="Give 1 or more.")
    for name in names:
        _split(name)
    with GitHub(load(GitHubSettings)) as github:
        found = [github.spelled(name) for name in dict.fromkeys(names)]
        if search.strip():
            found += github.search(search, limit)
    if not found:
        raise NotFound(f"No repository matches {search!r}.", advice="Try the search on GitHub's page first.")
    return list(dict.fromkeys(found))


def _connection(settings: GitHubSettings) -> Github:
    token = settings.github_token.get_secret_value()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError("GITHUB_TOKEN holds characters that no token has.", advice="Copy it once more.")
    return Github(
        auth=Auth.Token(token),
        base_url=settings.github_api_url,
        timeout=TIMEOUT_SECONDS,
        retry=None,  # trying again and waiting are decided here alone
        seconds_between_requests=None,
        seconds_between_writes=None,
    )


def _split(repository: str) -> tuple[str, str]:
    check_repository_name(repository)
    owner, _, name = repository.partition("/")
    return owner, name


def _not_found(repository: str) -> NotFound:
    return NotFound(
        f"There is no repository {repository}.", advice="Check its spelling, and that the token may see it."
    )


def _parse(answer: Any, form: type[AnyAnswer]) -> AnyAnswer:
    try:
        return form.model_validate(answer.get("data") if isinstance(answer, dict) else None)
    except ValidationError as error:
        raise TransientError(f"the answer has another form than asked for ({'; '.join(reasons(error))})") from None


def _obstacle(state: RetryCallState) -> TransientError:
    return cast(TransientError, cast(Future, state.outcome).exception())  # nothing else is tried again


def _wait(state: RetryCallState) -> float:
    asked = _obstacle(state).wait
    backoff = wait_exponential_jitter(
        multiplier=FIRST_WAIT_SECONDS, max=LONGEST_BACKOFF_SECONDS, jitter=FIRST_WAIT_SECONDS
    )
    return backoff(state) if asked is None else asked


def _stop(state: RetryCallState) -> bool:
    return _obstacle(state).is_too_long() or stop_after_attempt(ATTEMPTS)(state)


def _tell(state: RetryCallState) -> None:
    extra = {"problem": _obstacle(state).problem, "wait_seconds": round(state.upcoming_sleep, 1)}
    logger.warning("GitHub did not answer, asking again", extra=extra)
