"""The connection to MLflow, with its failures as errors that a person can fix."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from mlflow import MlflowClient, set_tracking_uri
from mlflow.exceptions import MlflowException

from steps.common.errors import AccessRefused, NotFound, Unavailable
from steps.common.settings import TrackingSettings

EXPERIMENT = "pr-sentinel"
REGISTERED_MODEL = "pr-sentinel"
ACCESS_ERROR_CODES = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED"})
NOT_FOUND_CODE = "RESOURCE_DOES_NOT_EXIST"
CLIENT_DEFAULTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}


@contextmanager
def connect(settings: TrackingSettings) -> Iterator[MlflowClient]:
    """Connect to the tracking server, or open the database file, at `MLFLOW_URI`.

    Raises:
        Unavailable: the server does not answer, or the file can't be used.
        AccessRefused: the server does not accept the user.
        NotFound: a run or a model does not exist.
    """
    for name, value in CLIENT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    set_tracking_uri(settings.mlflow_uri)
    try:
        client = MlflowClient()
        client.search_experiments(max_results=1)
    except Exception as error:
        raise _translate_error(settings, error) from None
    try:
        yield client
    except MlflowException as error:
        raise _translate_error(settings, error) from error


def ensure_experiment(client: MlflowClient, settings: TrackingSettings) -> str:
    """Return the id of our experiment, creating it if necessary."""
    if found := client.get_experiment_by_name(EXPERIMENT):
        return str(found.experiment_id)
    return str(client.create_experiment(EXPERIMENT, artifact_location=settings.mlflow_artifacts))


def _translate_error(settings: TrackingSettings, error: Exception) -> AccessRefused | NotFound | Unavailable:
    parts = urlsplit(settings.mlflow_uri)
    url = f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    if isinstance(error, MlflowException) and error.error_code in ACCESS_ERROR_CODES:
        return AccessRefused(f"MLflow at {url} refuses the user.", advice="Check the user in MLFLOW_URI.")
    if isinstance(error, MlflowException) and error.error_code == NOT_FOUND_CODE:
        return NotFound(
            f"Not found in MLflow at {url}: {error.message.rstrip('.')}.", advice="Check the ids and MLFLOW_URI."
        )
    return Unavailable(
        f"MLflow at {url} can't be used ({type(error).__name__}).",
        advice="Check that MLFLOW_URI names a server that is up, or sqlite:/// with a writable file.",
    )
