"""A client of GitHub's GraphQL API on PyGithub, with one retry policy."""

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
from steps.common.pull_request import format_reasons
from steps.common.repository_name import check_repository_name
from steps.common.settings import GitHubSettings, load
from steps.fetch.page_size import MAX_PAGE, PageSize
from steps.fetch.queries import (
    NAME,
    PULL_REQUESTS,
    SEARCH,
    NameResponse,
    PullRequestsResponse,
    RepositoryPage,
    Response,
    SearchResponse,
)

TIMEOUT_SECONDS = 30
ATTEMPTS = 8
FIRST_WAIT_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 30
MAX_SEARCH_RESULTS = 1_000  # GitHub shows no more of what a search finds

AnyResponse = TypeVar("AnyResponse", bound=Response)
logger = logging.getLogger(__name__)


class Page(NamedTuple):
    """A page of a repository's pull requests, and GitHub's time at the request."""

    repository: RepositoryPage
    asked_at: datetime


class GitHub:
    """A client with one token, which counts its requests."""

    def __init__(self, settings: GitHubSettings) -> None:
        self.requests = 0
        self._settings = settings
        self._api_url = settings.github_api_url
        self._page_size = PageSize()
        self._github = _connect(settings)
        self._retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=_compute_wait,
            stop=_should_stop,
            before_sleep=_log_retry,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._github.close()

    def query(
        self, text: str, form: type[AnyResponse], variables: dict[str, Any], *, limit: int | None = None
    ) -> tuple[AnyResponse, datetime]:
        """Send a query until there is a response of this form; `limit` is the number of items wanted in a page.

        Returns:
            The response, and GitHub's time.

        Raises:
            SentinelError: the request failed; `Unavailable` if all retries failed.
        """
        try:
            return self._retrying(self._send, text, form, variables, limit)
        except TransientError as error:
            if error.partial is None:
                raise error.to_unavailable(self._api_url) from None
            logger.warning("using a partial response", extra={"problem": error.problem})
            return form.model_validate(error.partial), datetime.now(UTC)

    def _send(
        self, text: str, form: type[AnyResponse], variables: dict[str, Any], limit: int | None
    ) -> tuple[AnyResponse, datetime]:
        paging: dict[str, Any] = {} if limit is None else {"first": min(limit, self._page_size.items)}
        if not self._page_size.with_files:
            paging["files"] = False
        self.requests += 1
        try:
            headers, response = self._github.requester.graphql_query(text, variables | paging)
        except (GithubException, RequestException, RuntimeError, ValueError, TypeError, AttributeError) as error:
            # RuntimeError is a redirection; the last three come from a body that isn't a JSON object
            translated = translate_error(error, self._api_url)
            if isinstance(translated, AccessRefused) and self._renew_token():
                translated = TransientError("the token was replaced")
            if isinstance(translated, TransientError) and translated.heavy:
                self._page_size.shrink()
            raise translated from None
        parsed = _parse(response, form)
        logger.info("GitHub responded", extra=parsed.rate_limit.model_dump() if parsed.rate_limit else {})
        self._page_size.grow()
        return parsed, parse_server_time(headers)

    def _renew_token(self) -> bool:
        """Switch to the current token and return whether it is a new one; a first fetch may outlast a token."""
        settings = load(GitHubSettings)
        if settings.github_token == self._settings.github_token:
            return False
        self._github.close()
        self._settings, self._github = settings, _connect(settings)
        return True

    def iter_pages(self, repository: str, after: str | None) -> Iterator[Page]:
        """Yield pull requests after a cursor, least recently updated first.

        If GitHub refuses the cursor, they start from the beginning.

        Raises:
            NotFound: the repository does not exist, or the token has no access.
        """
        try:
            page = self._fetch_page(repository, after)
        except InvalidCursorError as error:
            if after is None:
                raise
            logger.warning("cursor refused, starting from the beginning", extra={"problem": error.problem})
            page = self._fetch_page(repository, None)
        yield page
        while page.repository.pull_requests.edges and page.repository.pull_requests.page_info.has_next:
            page = self._fetch_page(repository, page.repository.pull_requests.page_info.end_cursor)
            yield page

    def _fetch_page(self, repository: str, after: str | None) -> Page:
        owner, name = _split_name(repository)
        variables = {"owner": owner, "name": name, "after": after}
        response, asked_at = self.query(PULL_REQUESTS, PullRequestsResponse, variables, limit=MAX_PAGE)
        if response.repository is None:
            raise _not_found_error(repository)
        return Page(response.repository, asked_at)

    def find_spelling(self, repository: str) -> str:
        """Return GitHub's spelling of a repository's name.

        Raises:
            NotFound: the repository does not exist, or the token has no access.
        """
        owner, name = _split_name(repository)
        response, _ = self.query(NAME, NameResponse, {"owner": owner, "name": name})
        if response.repository is None:
            raise _not_found_error(repository)
        return response.repository.name_with_owner

    def search(self, words: str, limit: int) -> Iterator[str]:
        """Yield the names of at most `limit` repositories, in GitHub's order."""
        after, left = None, min(limit, MAX_SEARCH_RESULTS)
        while left > 0:
            response, _ = self.query(SEARCH, SearchResponse, {"words": words, "after": after}, limit=left)
            found = [node.name_with_owner for node in response.search.nodes if node]
            yield from found
            after, left = response.search.page_info.end_cursor, left - len(found)
            if not found or not response.search.page_info.has_next:
                return


def discover_repositories(names: list[str], search: str, limit: int) -> list[str]:
    """Return every repository once, in GitHub's spelling: the given ones, then at most `limit` that a search finds.

    Raises:
        ConfigurationError: there is no name, one does not have the form `owner/name`, or the limit is not positive.
        NotFound: a repository does not exist or can't be seen, or the search finds none.
    """
    if not names and not search.strip():
        raise ConfigurationError("No repository was given.", advice="Give names (owner/name), or a search.")
    if search.strip() and limit < 1:
        raise ConfigurationError(f"The search limit is {limit}.", advice="Set search_limit to 1 or more.")
    for name in names:
        _split_name(name)
    with GitHub(load(GitHubSettings)) as github:
        found = [github.find_spelling(name) for name in dict.fromkeys(names)]
        if search.strip():
            found += github.search(search, limit)
    if not found:
        raise NotFound(f"No repository matches {search!r}.", advice="Try the search on GitHub's website first.")
    return list(dict.fromkeys(found))


def _connect(settings: GitHubSettings) -> Github:
    token = settings.github_token.get_secret_value()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError("GITHUB_TOKEN contains characters that no token has.", advice="Copy it again.")
    return Github(
        auth=Auth.Token(token),
        base_url=settings.github_api_url,
        timeout=TIMEOUT_SECONDS,
        retry=None,  # retries and pauses are decided here alone
        seconds_between_requests=None,
        seconds_between_writes=None,
    )


def _split_name(repository: str) -> tuple[str, str]:
    check_repository_name(repository)
    owner, _, name = repository.partition("/")
    return owner, name


def _not_found_error(repository: str) -> NotFound:
    return NotFound(
        f"There is no repository {repository}.", advice="Check the spelling, and that the token has access."
    )


def _parse(response: Any, form: type[AnyResponse]) -> AnyResponse:
    try:
        return form.model_validate(response.get("data") if isinstance(response, dict) else None)
    except ValidationError as error:
        raise TransientError(f"the response has an unexpected form ({'; '.join(format_reasons(error))})") from None


def _get_error(state: RetryCallState) -> TransientError:
    return cast(TransientError, cast(Future, state.outcome).exception())  # nothing else is retried


def _compute_wait(state: RetryCallState) -> float:
    asked = _get_error(state).wait
    backoff = wait_exponential_jitter(multiplier=FIRST_WAIT_SECONDS, max=MAX_BACKOFF_SECONDS, jitter=FIRST_WAIT_SECONDS)
    return backoff(state) if asked is None else asked


def _should_stop(state: RetryCallState) -> bool:
    return _get_error(state).is_too_long() or stop_after_attempt(ATTEMPTS)(state)


def _log_retry(state: RetryCallState) -> None:
    extra = {"problem": _get_error(state).problem, "wait_seconds": round(state.upcoming_sleep, 1)}
    logger.warning("request to GitHub failed, retrying", extra=extra)
