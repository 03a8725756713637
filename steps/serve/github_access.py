"""GitHub's REST interface for the work behind the webhook: one request at a time, as the token or as the App."""

import logging
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

from steps.common.changed_files import MAX_FILES
from steps.common.errors import ConfigurationError, DataError, NotFound, SentinelError
from steps.common.github_errors import Obstacle, understand
from steps.common.pull_request import PullRequest, reasons
from steps.common.settings import ServeSettings
from steps.serve.webhooks.events import COMMIT

TIMEOUT_SECONDS = 10
MOST_INSTALLATIONS = 64
"""Of which a token is kept; others are asked for again."""
NOT_THERE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)

logger = logging.getLogger(__name__)


class _Commit(BaseModel):
    sha: Annotated[str, Field(pattern=COMMIT)]


class _Headed(BaseModel):
    head: _Commit


class Fetched(NamedTuple):
    """A pull request as it is now, and the commit that it stands at."""

    pull: PullRequest
    head_sha: str


class GitHub:
    """GitHub with one identity; while a limit of it holds, nothing is sent."""

    def __init__(self, address: str, auth: Auth.Auth | None) -> None:
        self._address = address
        self._one_at_a_time = threading.Lock()
        self._quiet_until = 0.0
        self._user: int | None = None
        self._github = Github(
            auth=auth,
            base_url=address,
            timeout=TIMEOUT_SECONDS,
            retry=None,  # the queue of deliveries decides when to try again
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def ask(self, verb: str, path: str, *, parameters: dict[str, str] | None = None, body: Any = None) -> Any:
        """Send one request and return what it answers; this blocks.

        Raises:
            Obstacle: it failed in a way that another try, after `wait`, may not.
            NotFound: there is no such thing, or this identity may not see it.
            SentinelError: what a person can mend.
        """
        with self._one_at_a_time:
            return self._asked(verb, path, parameters, body)

    def _asked(self, verb: str, path: str, parameters: dict[str, str] | None, body: Any) -> Any:
        if (left := self._quiet_until - time.monotonic()) > 0:
            raise Obstacle("a rate limit holds", wait=left)
        try:
            _, content = self._github.requester.requestJsonAndCheck(verb, path, parameters=parameters, input=body)
        except (GithubException, RequestException, RuntimeError, ValueError, TypeError, AttributeError) as error:
            # RuntimeError is a redirection, the last three are a body that isn't what it should be
            meaning = _understood(error, self._address, path)
            if isinstance(meaning, Obstacle) and meaning.wait is not None:
                self._quiet_until = time.monotonic() + meaning.wait
            raise meaning from None
        return content

    def pull_request(self, repository: str, number: int) -> Fetched:
        """Fetch a pull request as it is now, with the first of its changed files where GitHub lists them.

        Raises:
            Obstacle: GitHub does not answer as it should.
            SentinelError: as for `ask`; `DataError` where what came can't be used.
        """
        path = f"/repos/{repository}/pulls/{number}"
        content = self.ask("GET", path)
        if not isinstance(content, dict) or content.get("number") != number:
            raise Obstacle("the answer is not that pull request")
        files = self._files(path) if content.get("changed_files") else []
        try:
            pull = PullRequest.model_validate(content | {"files": files})
            return Fetched(pull, _Headed.model_validate(content).head.sha)
        except ValidationError as error:
            raise DataError(
                f"{repository}#{number} can't be used: {'; '.join(reasons(error))}.", advice="Look at it on GitHub."
            ) from None

    def _files(self, path: str) -> list[dict[str, Any]] | None:
        """List a pull request's first files; None where that fails, for it can be scored without them."""
        try:
            return self.items(f"{path}/files", {"per_page": str(MAX_FILES)})
        except (Obstacle, SentinelError) as error:
            extra = {"path": f"{path}/files", "problem": error.problem}
            logger.warning("the changed files can't be listed, scoring without them", extra=extra)
            return None

    def user(self) -> int:
        """The id of the user whose token this is, asked for once.

        Raises:
            Obstacle: the answer names none; and as for `ask`.
        """
        if self._user is None:
            self._user = _id(self.ask("GET", "/user"))
        return self._user

    def items(self, path: str, parameters: dict[str, str], inside: str | None = None) -> list[dict[str, Any]]:
        """A page of a list, at `inside` of the answer or its whole.

        Raises:
            Obstacle: it is no list; and as for `ask`.
        """
        content = self.ask("GET", path, parameters=parameters)
        found = content.get(inside) if inside and isinstance(content, dict) else content
        if not isinstance(found, list):
            raise Obstacle("the answer is no list")
        return [item for item in found if isinstance(item, dict)]

    def write(self, verb: str, path: str, body: dict[str, Any]) -> int:
        """Create or change something and return its id.

        Raises:
            Obstacle: the answer names none; and as for `ask`.
        """
        return _id(self.ask(verb, path, body=body))

    def close(self) -> None:
        """End its connections."""
        self._github.close()


class Identities:
    """As whom GitHub is asked: as the App where it is installed, by the token otherwise."""

    def __init__(self, settings: ServeSettings) -> None:
        """Read the settings.

        Raises:
            ConfigurationError: those that WEBHOOK_MODE needs are missing, or the App's key is none.
        """
        self._address = settings.github_api_url
        self._needs_app = settings.webhook_mode == "check"
        if settings.webhook_mode == "comment" and settings.github_token is None:
            raise ConfigurationError("WEBHOOK_MODE is comment, but there is no token.", advice="Set GITHUB_TOKEN.")
        token = settings.github_token
        self._token = GitHub(self._address, Auth.Token(token.get_secret_value()) if token else None)
        self._app = None if settings.webhook_mode == "comment" else _app(settings)
        if self._needs_app and self._app is None:
            raise ConfigurationError(
                "WEBHOOK_MODE is check, but there is no GitHub App.",
                advice="Set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY.",
            )
        self._installed: OrderedDict[int, GitHub] = OrderedDict()

    def of(self, installation: int | None) -> GitHub:
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
            return self._token
        if installation not in self._installed:
            auth = self._app.get_installation_auth(installation)
            self._installed[installation] = GitHub(self._address, auth)
        self._installed.move_to_end(installation)
        while len(self._installed) > MOST_INSTALLATIONS:
            self._installed.popitem(last=False)[1].close()
        return self._installed[installation]

    def close(self) -> None:
        """End all connections."""
        for github in (self._token, *self._installed.values()):
            github.close()


def _id(content: Any) -> int:
    if not isinstance(content, dict) or not isinstance(content.get("id"), int):
        raise Obstacle("the answer has no id")
    return int(content["id"])


def _app(settings: ServeSettings) -> Auth.AppAuth | None:
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


def _understood(error: Exception, address: str, path: str) -> Obstacle | SentinelError:
    status = error.status if isinstance(error, GithubException) else None
    if status == HTTPStatus.UNAUTHORIZED:
        return Obstacle("GitHub does not accept the token or the App's key")  # a new one mends it, nothing is lost
    if status in NOT_THERE:
        return NotFound(f"GitHub has no {path}, or the service's token may not see it.", advice="Check both.")
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return DataError(f"GitHub refuses what was to be written to {path}.", advice="Report it with this line.")
    return understand(error, address)
