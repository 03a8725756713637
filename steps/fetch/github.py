"""A client of GitHub's GraphQL API on PyGithub, with one retry policy."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar, cast

from github import Auth, Github
from pydantic import ValidationError
from tenacity import (
    Future,
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from steps.common.errors import AccessRefused, ConfigurationError, NotFound
from steps.common.github_errors import (
    REQUEST_ERRORS,
    InvalidCursorError,
    QuietPeriod,
    TransientError,
    Usable,
    read_graphql,
    translate_error,
)
from steps.common.github_limits import Headers, parse_pause, parse_server_time
from steps.common.graphql_errors import GraphQLError
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
ATTEMPTS = 12
FIRST_WAIT_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 30
MAX_SEARCH_RESULTS = 1_000  # GitHub shows no more of what a search finds

AnyResponse = TypeVar("AnyResponse", bound=Response)
logger = logging.getLogger(__name__)


class Answer(NamedTuple, Generic[AnyResponse]):
    """A response, GitHub's time, and the errors because of which items of its lists have gaps."""

    content: AnyResponse
    asked_at: datetime
    gaps: Sequence[GraphQLError] = ()


class Page(NamedTuple):
    """A page of a repository's pull requests, GitHub's time at the request, and the errors that left gaps in it."""

    repository: RepositoryPage
    asked_at: datetime
    gaps: Sequence[GraphQLError] = ()


class GitHub:
    """A client with one token, which counts its requests."""

    def __init__(self, settings: GitHubSettings, attempts: int | None = None) -> None:
        self.requests = 0
        self.left_out: list[str] = []
        """What a search found and the token may not see, in GitHub's words."""
        self._settings = settings
        self._api_url = settings.github_api_url
        self._page_size = PageSize()
        self._quiet = QuietPeriod()
        self._github = _connect(settings)
        give_up = stop_after_attempt(attempts or ATTEMPTS)
        self._retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=_compute_wait,
            stop=lambda state: _get_error(state).is_too_long() or give_up(state),
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
    ) -> Answer[AnyResponse]:
        """Send a query until there is a response of this form; `limit` is the number of items wanted in a page.

        Raises:
            SentinelError: the request failed; `Unavailable` if all retries failed.
        """
        try:
            return self._retrying(self._send, text, form, variables, limit)
        except TransientError as error:
            if error.partial is None:
                raise error.to_unavailable(self._api_url) from None
            logger.warning("using a partial response", extra={"problem": error.problem})
            return _parse(error.partial, form, None)

    def _send(
        self, text: str, form: type[AnyResponse], variables: dict[str, Any], limit: int | None
    ) -> Answer[AnyResponse]:
        self._quiet.check()
        paging: dict[str, Any] = {} if limit is None else {"first": min(limit, self._page_size.items)}
        if not self._page_size.with_files:
            paging["files"] = False
        try:
            headers, usable = self._post({"query": text, "variables": variables | paging})
            answer = _parse(usable, form, headers)
        except AccessRefused:
            if not self._renew_token():
                raise
            raise TransientError("the token was replaced") from None
        except TransientError as error:
            if error.heavy:
                self._page_size.shrink()
            self._quiet.extend(error.wait)
            raise
        rate_limit = answer.content.rate_limit
        logger.info("GitHub responded", extra=rate_limit.model_dump() if rate_limit else {})
        self._page_size.grow()
        return answer

    def _post(self, query: dict[str, Any]) -> tuple[Headers, Usable]:
        """Send a query once.

        Raises:
            TransientError, SentinelError: the response is missing, or refuses the query.
        """
        self.requests += 1
        requester = self._github.requester
        try:
            headers, content = requester.requestJsonAndCheck("POST", requester.graphql_url, input=query)
        except REQUEST_ERRORS as error:
            raise translate_error(error, self._api_url) from None
        self._quiet.extend(parse_pause(headers))
        return headers, read_graphql(content, headers, self._api_url)

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
        seen = {after}
        while (end := page.repository.pull_requests.page_info).has_next and end.end_cursor not in seen:
            seen.add(end.end_cursor)
            page = self._fetch_page(repository, end.end_cursor)
            yield page

    def _fetch_page(self, repository: str, after: str | None) -> Page:
        owner, name = split_name(repository)
        variables = {"owner": owner, "name": name, "after": after}
        answer = self.query(PULL_REQUESTS, PullRequestsResponse, variables, limit=MAX_PAGE)
        if answer.content.repository is None:
            raise _not_found_error(repository)
        return Page(answer.content.repository, answer.asked_at, answer.gaps)

    def find_spelling(self, repository: str) -> str:
        """Return GitHub's spelling of a repository's name.

        Raises:
            NotFound: the repository does not exist, or the token has no access.
        """
        owner, name = split_name(repository)
        found = self.query(NAME, NameResponse, {"owner": owner, "name": name}).content.repository
        if found is None:
            raise _not_found_error(repository)
        return found.name_with_owner

    def search(self, words: str, limit: int) -> Iterator[str]:
        """Yield the names of at most `limit` repositories, in GitHub's order; those it hides are in `left_out`."""
        after, left, seen = None, min(limit, MAX_SEARCH_RESULTS), set[str | None]()
        while left > 0 and after not in seen:
            seen.add(after)
            answer = self.query(SEARCH, SearchResponse, {"words": words, "after": after}, limit=left)
            page = answer.content.search
            self.left_out += [f"a result of the search: {gap.message}" for gap in answer.gaps if "search" in gap.path]
            found = [node.name_with_owner for node in page.nodes if node]
            yield from found
            after, left = page.page_info.end_cursor, left - len(found)
            if not page.page_info.has_next:
                return


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


def split_name(repository: str) -> tuple[str, str]:
    """Return the owner and the name of `owner/name`.

    Raises:
        ConfigurationError: it does not have that form.
    """
    check_repository_name(repository)
    owner, _, name = repository.partition("/")
    return owner, name


def _not_found_error(repository: str) -> NotFound:
    return NotFound(
        f"There is no repository {repository}.", advice="Check the spelling, and that the token has access."
    )


def _parse(usable: Usable, form: type[AnyResponse], headers: Headers | None) -> Answer[AnyResponse]:
    try:
        return Answer(form.model_validate(usable.data), parse_server_time(headers), usable.gaps)
    except ValidationError as error:
        raise TransientError(f"the response has an unexpected form ({'; '.join(format_reasons(error))})") from None


def _get_error(state: RetryCallState) -> TransientError:
    return cast(TransientError, cast(Future, state.outcome).exception())  # nothing else is retried


def _compute_wait(state: RetryCallState) -> float:
    asked = _get_error(state).wait
    backoff = wait_exponential_jitter(multiplier=FIRST_WAIT_SECONDS, max=MAX_BACKOFF_SECONDS, jitter=FIRST_WAIT_SECONDS)
    return backoff(state) if asked is None else asked


def _log_retry(state: RetryCallState) -> None:
    extra = {"problem": _get_error(state).problem, "wait_seconds": round(state.upcoming_sleep, 1)}
    logger.warning("request to GitHub failed, retrying", extra=extra)
