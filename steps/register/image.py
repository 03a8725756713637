"""The image of a new champion: GitHub is asked to run the workflow that builds it, where the settings say so.

Once for each: an image that is built again has another digest, which would be released again.
"""

import logging
from contextlib import closing

from github import Auth, Github
from github.GithubException import GithubException
from mlflow.entities.model_registry import ModelVersion
from requests.exceptions import RequestException

from steps.common.errors import Unavailable
from steps.common.registry import Registry
from steps.common.settings import RegisterSettings

WORKFLOW, BRANCH = "serve.yml", "staging"
ASKED = "image_asked_for"
"""Tag of a version whose image GitHub has been asked for."""
TIMEOUT_SECONDS = 30
logger = logging.getLogger(__name__)


def ensure(settings: RegisterSettings, registry: Registry, champion: ModelVersion) -> None:
    """Ask for the champion's image, unless that was done.

    Raises:
        Unavailable: GitHub does not take it, whatever the reason: all else is done, and another try asks again.
    """
    version = champion.version
    if champion.tags.get(ASKED):
        return
    if settings.release_repository is None or settings.release_token is None:
        logger.info("no image asked for", extra={"version": version, "reason": "no RELEASE_REPOSITORY is set"})
        return
    client = Github(
        auth=Auth.Token(settings.release_token.get_secret_value()),
        base_url=settings.github_api_url,
        timeout=TIMEOUT_SECONDS,
        retry=None,  # the workflow tries again
        lazy=True,  # the repository isn't looked up: that would take a right which the token need not have
    )
    with closing(client):
        try:
            client.get_repo(settings.release_repository).get_workflow(WORKFLOW).create_dispatch(BRANCH, throw=True)
        except (GithubException, RequestException) as error:
            raise Unavailable(
                f"Version {version} is champion, but {settings.release_repository} does not take the request for its "
                f"image: {_said(error)}.",
                advice="Check RELEASE_REPOSITORY, RELEASE_TOKEN and the network; the next try asks again.",
            ) from None
    registry.set_tags(champion, {ASKED: "true"})
    logger.info("asked for an image", extra={"version": version, "repository": settings.release_repository})


def _said(error: GithubException | RequestException) -> str:
    if isinstance(error, GithubException):
        message = error.data.get("message", "") if isinstance(error.data, dict) else ""
        return f"{error.status} {message}".strip()
    return f"no answer ({type(error).__name__})"
