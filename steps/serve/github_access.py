"""GitHub's REST interface for the work behind the webhook: one request at a time, as the token or as the App."""

import threading
import time
from collections import OrderedDict
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import jwt
from github import Auth, Github
from github.GithubException import GithubException
from pydantic import BaseModel, Field, ValidationError
from requests.exceptions import RequestException

from steps.common.errors import ConfigurationError, DataError, NotFound, SentinelError
from steps.common.github_errors import Obstacle, understand
from steps.common.pull_request import PullRequest, reasons
from steps.common.settings import ServeSettings
from steps.serve.webhooks.events import COMMIT

TIMEOUT_SECONDS = 10
MAX_INSTALLATIONS = 64
"""Of which a token is kept; others are asked for again."""
MISSING_STATUSES = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class _HeadCommit(BaseModel):
    sha: Annotated[str, Field(pattern=COMMIT)]


class _WithHead(BaseModel):
    head: _HeadCommit


class FetchedPullRequest(NamedTuple):
    """A pull request as it is now, and the commit that it stands at."""

    pull: PullRequest
    head_sha: str


class GitHubRestClient:
    """GitHub with one identity; while a limit of it holds, nothing is sent."""

    def __init__(self, url: str, auth: Auth.Auth | None) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._quiet_until = 0.0
        self._user_id: int | None = None
        self._github = Github(
            auth=auth,
            base_url=url,
            timeout=TIMEOUT_SECONDS,
            retry=None,  # the queue of deliveries decides when to try again
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def request(self, verb: str, path: str, *, parameters: dict[str, str] | None = None, body: Any = None) -> Any:
        """Send one request and return what it answers; this blocks.

        Raises:
            Obstacle: it failed in a way that another try, after `wait`, may not.
            NotFound: there is no such thing, or this identity may not see it.
            SentinelError: what a person can mend.
        """
        with self._lock:
            return self._send(verb, path, parameters, body)

    def _send(self, verb: str, path: str, parameters: dict[str, str] | None, body: Any) -> Any:
        if (left := self._quiet_until - time.monotonic()) > 0:
            raise Obstacle("a rate limit holds", wait=left)
        try:
            _, content = self._github.requester.requestJsonAndCheck(verb, path, parameters=parameters, input=body)
        except (GithubException, RequestException, RuntimeError, ValueError, TypeError, AttributeError) as error:
            # RuntimeError is a redirection, the last three are a body that isn't what it should be
            translated = _translate_error(error, self._url, path)
            if isinstance(translated, Obstacle) and translated.wait is not None:
                self._quiet_until = time.monotonic() + translated.wait
            raise translated from None
        return content

    def fetch_pull_request(self, repository: str, number: int) -> FetchedPullRequest:
        """A pull request as it is now.

        Raises:
            Obstacle: GitHub does not answer as it should.
            SentinelError: as for `ask`; `DataError` where what came can't be used.
        """
        content = self.request("GET", f"/repos/{repository}/pulls/{number}")
        if not isinstance(content, dict) or content.get("number") != number:
            raise Obstacle("the answer is not that pull request")
        try:
            return FetchedPullRequest(PullRequest.model_validate(content), _WithHead.model_validate(content).head.sha)
        except ValidationError as error:
            raise DataError(
                f"{repository}#{number} can't be used: {'; '.join(reasons(error))}.", advice="Look at it on GitHub."
            ) from None

    def fetch_user_id(self) -> int:
        """The id of the user whose token this is, asked for once.

        Raises:
            Obstacle: the answer names none; and as for `ask`.
        """
        if self._user_id is None:
            self._user_id = _parse_id(self.request("GET", "/user"))
        return self._user_id

    def list_items(self, path: str, parameters: dict[str, str], inside: str | None = None) -> list[dict[str, Any]]:
        """A page of a list, at `inside` of the answer or its whole.

        Raises:
            Obstacle: it is no list; and as for `ask`.
        """
        content = self.request("GET", path, parameters=parameters)
        found = content.get(inside) if inside and isinstance(content, dict) else content
        if not isinstance(found, list):
            raise Obstacle("the answer is no list")
        return [item for item in found if isinstance(item, dict)]

    def write(self, verb: str, path: str, body: dict[str, Any]) -> int:
        """Create or change something and return its id.

        Raises:
            Obstacle: the answer names none; and as for `ask`.
        """
        return _parse_id(self.request(verb, path, body=body))

    def close(self) -> None:
        """End its connections."""
        self._github.close()


class CredentialProvider:
    """As whom GitHub is asked: as the App where it is installed, by the token otherwise."""

    def __init__(self, settings: ServeSettings) -> None:
        """Read the settings.

        Raises:
            ConfigurationError: those that WEBHOOK_MODE needs are missing, or the App's key is none.
        """
        self._url = settings.github_api_url
        self._needs_app = settings.webhook_mode == "check"
        if settings.webhook_mode == "comment" and settings.github_token is None:
            raise ConfigurationError("WEBHOOK_MODE is comment, but there is no token.", advice="Set GITHUB_TOKEN.")
        token = settings.github_token
        self._token_client = GitHubRestClient(self._url, Auth.Token(token.get_secret_value()) if token else None)
        self._app = None if settings.webhook_mode == "comment" else _load_app_auth(settings)
        if self._needs_app and self._app is None:
            raise ConfigurationError(
                "WEBHOOK_MODE is check, but there is no GitHub App.",
                advice="Set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY.",
            )
        self._clients: OrderedDict[int, GitHubRestClient] = OrderedDict()

    def for_installation(self, installation: int | None) -> GitHubRestClient:
        """GitHub with the identity for deliveries of this installation of the App.

        Raises:
            ConfigurationError: only the App may do what is to be done, and this is no delivery to it.
        """
        if self._app is None or installation is None:
            if self._needs_app:
                raise ConfigurationError(
                    "The delivery names no installation of the App, and only an App can create check runs.",
                    advice="Install the App on the repository and remove the repository's own webhook.",
                )
            return self._token_client
        if installation not in self._clients:
            auth = self._app.get_installation_auth(installation)
            self._clients[installation] = GitHubRestClient(self._url, auth)
        self._clients.move_to_end(installation)
        while len(self._clients) > MAX_INSTALLATIONS:
            self._clients.popitem(last=False)[1].close()
        return self._clients[installation]

    def close(self) -> None:
        """End all connections."""
        for github in (self._token_client, *self._clients.values()):
            github.close()


def _parse_id(content: Any) -> int:
    if not isinstance(content, dict) or not isinstance(content.get("id"), int):
        raise Obstacle("the answer has no id")
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
            "GITHUB_APP_PRIVATE_KEY can't be read.", advice="It is the PEM file that GitHub gave, with its lines."
        ) from None
    return app


def _translate_error(error: Exception, url: str, path: str) -> Obstacle | SentinelError:
    status = error.status if isinstance(error, GithubException) else None
    if status == HTTPStatus.UNAUTHORIZED:
        return Obstacle("GitHub does not accept the token or the App's key")  # a new one mends it, nothing is lost
    if status in MISSING_STATUSES:
        return NotFound(f"GitHub has no {path}, or the service's token may not see it.", advice="Check both.")
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return DataError(f"GitHub refuses what was to be written to {path}.", advice="Report it with this line.")
    return understand(error, url)
