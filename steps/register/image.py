"""The image of a new champion: dispatches the GitHub workflow that builds it, if the settings name a repository.

Once per version: a rebuilt image has another digest, which would be released again.
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
REQUESTED_TAG = "image_asked_for"
"""Tag of a version whose image has been requested."""
TIMEOUT_SECONDS = 30
logger = logging.getLogger(__name__)


def ensure(settings: RegisterSettings, registry: Registry, champion: ModelVersion) -> None:
    """Request the champion's image, unless it was requested before.

    Raises:
        Unavailable: GitHub does not accept the request, for whatever reason; a retry repeats only this.
    """
    version = champion.version
    if champion.tags.get(REQUESTED_TAG):
        return
    if settings.release_repository is None or settings.release_token is None:
        logger.info(
            "no image requested", extra={"version": version, "reason": "RELEASE_REPOSITORY or RELEASE_TOKEN is not set"}
        )
        return
    client = Github(
        auth=Auth.Token(settings.release_token.get_secret_value()),
        base_url=settings.github_api_url,
        timeout=TIMEOUT_SECONDS,
        retry=None,  # the workflow retries
        lazy=True,  # no lookup of the repository: the token need not have that permission
    )
    with closing(client):
        try:
            client.get_repo(settings.release_repository).get_workflow(WORKFLOW).create_dispatch(BRANCH, throw=True)
        except (GithubException, RequestException) as error:
            raise Unavailable(
                f"Version {version} is champion, but {settings.release_repository} did not accept the request for its "
                f"image: {_format_error(error)}.",
                advice="Check RELEASE_REPOSITORY, RELEASE_TOKEN and the network; the next attempt requests it again.",
            ) from None
    registry.set_tags(champion, {REQUESTED_TAG: "true"})
    logger.info("image requested", extra={"version": version, "repository": settings.release_repository})


def _format_error(error: GithubException | RequestException) -> str:
    if isinstance(error, GithubException):
        message = error.data.get("message", "") if isinstance(error.data, dict) else ""
        return f"{error.status} {message}".strip()
    return f"no answer ({type(error).__name__})"
