"""A client of GitHub's REST API for webhooks and `/score_url`: one request at a time, with a token or as an App."""

import logging
import re
import threading
from collections import OrderedDict
from http import HTTPStatus
from typing import Annotated, Any, Literal, NamedTuple

import jwt
from github import Auth, Github
from github.GithubException import GithubException
from pydantic import BaseModel, Field, ValidationError

from steps.common.changed_files import MAX_FILES
from steps.common.errors import ConfigurationError, DataError, NotFound, SentinelError
from steps.common.github_errors import REQUEST_ERRORS, QuietPeriod, TransientError, translate_error
from steps.common.github_limits import parse_pause
from steps.common.pull_request import PullRequest, format_reasons
from steps.common.settings import ServeSettings
from steps.serve.github_requests import Call, send
from steps.serve.webhooks.events import COMMIT

TIMEOUT_SECONDS = 10
MAX_INSTALLATIONS = 64
"""Installations whose token is cached; others get a new one."""
MISSING_STATUSES = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_MISSING_OBJECT = re.compile(r"no commit found|could not resolve|does not exist|not found", re.IGNORECASE)
"""Words of a refusal (422) because of a commit that GitHub does not have, or not yet."""

logger = logging.getLogger(__name__)


class _HeadCommit(BaseModel):
    sha: Annotated[str, Field(pattern=COMMIT)]


class _WithHead(BaseModel):
    head: _HeadCommit


class ChangedResponse(NamedTuple):
    """The decoded response to a conditional request, and the ETag with which to ask for it again."""

    content: Any
    etag: str | None


class FetchedPullRequest(NamedTuple):
    """The present state of a pull request, and its head commit."""

    pull: PullRequest
    head_sha: str


class GitHubRestClient:
    """A client with one identity; while GitHub limits its rate, it sends nothing."""

    def __init__(self, url: str, auth: Auth.Auth | None) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._quiet = QuietPeriod()
        self._user_id: int | None = None
        self._github = Github(
            auth=auth,
            base_url=url,
            timeout=TIMEOUT_SECONDS,
            retry=None,  # the delivery queue decides when to retry
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def request(self, verb: str, path: str, *, parameters: dict[str, str] | None = None, body: Any = None) -> Any:
        """Send one request and return the decoded response; this blocks.

        Raises:
            TransientError: it failed, but a retry, after `wait` seconds, may succeed.
            NotFound: the resource does not exist, or this identity has no access to it.
            SentinelError: a person has to fix it.
        """
        with self._lock:
            return self._send(Call(verb, path, parameters, body))[1]

    def fetch_if_changed(
        self, path: str, etag: str | None, parameters: dict[str, str] | None = None
    ) -> ChangedResponse | None:
        """Fetch a resource; None if it is still what it was when its ETag was `etag`. This blocks.

        Raises:
            TransientError, SentinelError: as for `request`.
        """
        with self._lock:
            headers, content = self._send(
                Call("GET", path, parameters, headers={"If-None-Match": etag} if etag else None)
            )
        return None if etag and content is None else ChangedResponse(content, headers.get("etag"))

    def _send(self, call: Call) -> tuple[dict[str, Any], Any]:
        """Send one request and return headers, by their names in lower case, and content."""
        self._quiet.check()
        try:
            answer = send(self._github.requester, call)
        except REQUEST_ERRORS as error:
            translated = _translate_error(error, self._url, call.path)
            if isinstance(translated, TransientError):
                self._quiet.extend(translated.wait)
            raise translated from None
        self._quiet.extend(parse_pause(answer[0]))
        return answer

    def fetch_pull_request(self, repository: str, number: int) -> FetchedPullRequest:
        """Fetch the present state of a pull request, with the first of its changed files if GitHub lists them.

        Raises:
            TransientError: GitHub's response is not that pull request, or as for `request`.
            SentinelError: as for `request`; `DataError` if a field is not valid.
        """
        path = f"/repos/{repository}/pulls/{number}"
        content = self.request("GET", path)
        if not isinstance(content, dict) or content.get("number") != number:
            raise TransientError("the response is not that pull request")
        files = self._list_files(path) if content.get("changed_files") else []
        try:
            pull = PullRequest.model_validate(content | {"files": files})
            return FetchedPullRequest(pull, _WithHead.model_validate(content).head.sha)
        except ValidationError as error:
            raise DataError(
                f"{repository}#{number} is not valid: {'; '.join(format_reasons(error))}.", advice="Check it on GitHub."
            ) from None

    def _list_files(self, path: str) -> list[dict[str, Any]] | None:
        """List the first changed files of a pull request; None if that fails, for it can be scored without them."""
        try:
            return self.list_items(f"{path}/files", {"per_page": str(MAX_FILES)})
        except (TransientError, SentinelError) as error:
            extra = {"path": f"{path}/files", "problem": error.problem}
            logger.warning("could not list the changed files, scoring without them", extra=extra)
            return None

    def fetch_user_id(self) -> int:
        """Fetch the id of the user who owns the token; it is cached.

        Raises:
            TransientError: the response has no id; and as for `request`.
        """
        if self._user_id is None:
            self._user_id = _parse_id(self.request("GET", "/user"))
        return self._user_id

    def list_items(self, path: str, parameters: dict[str, str], inside: str | None = None) -> list[dict[str, Any]]:
        """Fetch a page of a list, which is the whole response or its field `inside`.

        Raises:
            TransientError: it is not a list; and as for `request`.
        """
        content = self.request("GET", path, parameters=parameters)
        found = content.get(inside) if inside and isinstance(content, dict) else content
        if not isinstance(found, list):
            raise TransientError("the response is not a list")
        return [item for item in found if isinstance(item, dict)]

    def write(self, verb: str, path: str, body: dict[str, Any]) -> int:
        """Create or update a resource and return its id.

        Raises:
            TransientError: the response has no id; and as for `request`.
        """
        return _parse_id(self.request(verb, path, body=body))

    def close(self) -> None:
        """Close its connections."""
        self._github.close()


class CredentialProvider:
    """The GitHub clients by identity: the App's installation if there is one, the token otherwise."""

    def __init__(self, settings: ServeSettings) -> None:
        """Create the clients from the settings.

        Raises:
            ConfigurationError: a setting that WEBHOOK_MODE needs is missing, or the App's key is not valid.
        """
        self._url = settings.github_api_url
        self._mode = settings.webhook_mode
        if self._mode == "comment" and settings.github_token is None:
            raise ConfigurationError(
                "WEBHOOK_MODE is comment, but GITHUB_TOKEN is not set.",
                advice="Set it to a token that may write comments.",
            )
        token = settings.github_token
        self._has_token = token is not None
        self._token_client = GitHubRestClient(self._url, Auth.Token(token.get_secret_value()) if token else None)
        self._app = _load_app_auth(settings)
        if self._mode == "check" and self._app is None:
            raise ConfigurationError(
                "WEBHOOK_MODE is check, but no GitHub App is configured.",
                advice="Set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY.",
            )
        self._clients: OrderedDict[int, GitHubRestClient] = OrderedDict()

    def for_installation(self, installation: int | None) -> GitHubRestClient:
        """Return the client for deliveries to this installation of the App.

        Raises:
            ConfigurationError: only the App can create check runs, and the delivery was not sent to the App.
        """
        if self._mode != "comment" and (client := self.for_mode("check", installation)):
            return client
        if self._mode == "check":
            raise ConfigurationError(
                "The delivery has no installation id, and only a GitHub App can create check runs.",
                advice="Install the App on the repository and remove the repository's own webhook.",
            )
        return self._token_client

    def for_mode(self, mode: Literal["check", "comment"], installation: int | None) -> GitHubRestClient | None:
        """Return the client that publishes in this mode: the token's for comments, the App's for check runs.

        It is None where the service has no token, or the App is not installed on the repository.
        """
        if mode == "comment":
            return self._token_client if self._has_token else None
        if self._app is None or installation is None:
            return None
        if installation not in self._clients:
            auth = self._app.get_installation_auth(installation)
            self._clients[installation] = GitHubRestClient(self._url, auth)
        self._clients.move_to_end(installation)
        while len(self._clients) > MAX_INSTALLATIONS:
            self._clients.popitem(last=False)[1].close()
        return self._clients[installation]

    def close(self) -> None:
        """Close all connections."""
        for github in (self._token_client, *self._clients.values()):
            github.close()


def _parse_id(content: Any) -> int:
    if not isinstance(content, dict) or not isinstance(content.get("id"), int):
        raise TransientError("the response has no id")
    return int(content["id"])


def _load_app_auth(settings: ServeSettings) -> Auth.AppAuth | None:
    if settings.github_app_id is None or settings.github_app_private_key is None:
        return None
    key = settings.github_app_private_key.get_secret_value().replace("\\n", "\n")
    app = Auth.AppAuth(settings.github_app_id, key)
    try:
        app.create_jwt()
    except (ValueError, TypeError, jwt.PyJWTError):
        raise ConfigurationError(
            "GITHUB_APP_PRIVATE_KEY is not a valid private key.",
            advice="Set it to the PEM file from GitHub, with line breaks.",
        ) from None
    return app


def _translate_error(error: Exception, url: str, path: str) -> TransientError | SentinelError:
    status = error.status if isinstance(error, GithubException) else None
    if status == HTTPStatus.UNAUTHORIZED:
        return TransientError(
            "GitHub does not accept the token or the App's key"
        )  # a new one fixes it; the delivery is retried
    if status in MISSING_STATUSES:
        return NotFound(f"GitHub has no {path}, or the service's token has no access to it.", advice="Check both.")
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and _MISSING_OBJECT.search(str(getattr(error, "data", ""))):
        return NotFound(f"GitHub does not know the commit or the pull request of {path}.", advice="Check both.")
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return DataError(f"GitHub rejects the content written to {path}.", advice="Report it with this line.")
    return translate_error(error, url)
