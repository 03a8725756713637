"""The connection to MLflow, with its failures told in words."""

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
REFUSED = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED"})
MISSING = "RESOURCE_DOES_NOT_EXIST"
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}


@contextmanager
def connected(settings: TrackingSettings) -> Iterator[MlflowClient]:
    """Use the tracking server, or the file, that the settings name.

    Raises:
        Unavailable: nothing answers there, or the file can't be used.
        AccessRefused: it does not accept the user.
        NotFound: a run or a model isn't there.
    """
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    set_tracking_uri(settings.mlflow_uri)
    try:
        client = MlflowClient()
        client.search_experiments(max_results=1)
    except Exception as error:
        raise _told(settings, error) from None
    try:
        yield client
    except MlflowException as error:
        raise _told(settings, error) from error


def experiment(client: MlflowClient, settings: TrackingSettings) -> str:
    """The id of our experiment, made where there is none."""
    if found := client.get_experiment_by_name(EXPERIMENT):
        return str(found.experiment_id)
    return str(client.create_experiment(EXPERIMENT, artifact_location=settings.mlflow_artifacts))


def _told(settings: TrackingSettings, error: Exception) -> AccessRefused | NotFound | Unavailable:
    parts = urlsplit(settings.mlflow_uri)
    where = f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    if isinstance(error, MlflowException) and error.error_code in REFUSED:
        return AccessRefused(f"MLflow at {where} refuses the user.", advice="Check the user in MLFLOW_URI.")
    if isinstance(error, MlflowException) and error.error_code == MISSING:
        return NotFound(
            f"Not in MLflow at {where}: {error.message.rstrip('.')}.", advice="Check the ids and MLFLOW_URI."
        )
    return Unavailable(
        f"MLflow at {where} can't be used ({type(error).__name__}).",
        advice="Check that MLFLOW_URI names a server that is up, or sqlite:/// and a file that can be written.",
    )
