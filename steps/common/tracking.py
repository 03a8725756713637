"""The connection to MLflow, with its failures as errors that a person can fix."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow import MlflowClient, set_tracking_uri
from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException

from steps.common.errors import ConfigurationError
from steps.common.settings import TrackingSettings
from steps.common.tracking_errors import format_url, translate_tracking_error

EXPERIMENT = "pr-sentinel"
REGISTERED_MODEL = "pr-sentinel"
CLIENT_DEFAULTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}


@contextmanager
def connect(settings: TrackingSettings) -> Iterator[MlflowClient]:
    """Connect to the tracking server, or open the database file, at `MLFLOW_URI`.

    Raises:
        Unavailable: the server does not answer.
        ConfigurationError: the server is not MLflow, or the database is of another version or can't be used.
        AccessRefused: the server does not accept the user.
        NotFound: a run or a model does not exist.
    """
    for name, value in CLIENT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    _escape_own_folder()
    set_tracking_uri(settings.mlflow_uri)
    try:
        if settings.mlflow_uri.startswith("sqlite"):
            _create_database(settings.mlflow_uri)
        client = MlflowClient()
        client.search_experiments(max_results=1)
    except Exception as error:
        raise translate_tracking_error(settings.mlflow_uri, error) from None
    try:
        yield client
    except MlflowException as error:
        raise translate_tracking_error(settings.mlflow_uri, error) from error


def _create_database(uri: str) -> None:
    """Create the file of a new database beside its place, and give it its name when it is complete.

    MLflow can't go on with one whose creation was ended midway, nor create one twice at a time.
    """
    # Only the whole MLflow brings it; images and releases have the client alone.
    from sqlalchemy import make_url

    url = make_url(uri)
    if url.database in (None, "", ":memory:") or "uri" in url.query:
        return
    path = Path(url.database)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        partial = path.with_name(f".{path.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        if not path.exists():
            partial.mkdir()
            complete = partial / path.name
            MlflowClient(str(url.set(database=str(complete)))).search_experiments(max_results=1)
            complete.rename(path)
            partial.rmdir()
    finally:
        os.close(folder)


def format_uri(settings: TrackingSettings) -> str:
    """Return `MLFLOW_URI` without user and password."""
    return format_url(settings.mlflow_uri)


def _escape_own_folder() -> None:
    """Let MLflow work in a clone whose path has a %, which the parser of its migrations' settings takes for its own."""
    if "%" not in mlflow.__file__:
        return
    # Only the whole MLflow brings it; images and releases have the client alone.
    from alembic.config import Config

    if hasattr(Config.set_main_option, "escapes"):
        return
    original = Config.set_main_option

    def set_main_option(self: Config, name: str, value: str) -> None:
        original(self, name, value.replace("%", "%%") if name == "script_location" else value)

    set_main_option.escapes = True  # type: ignore[attr-defined]
    Config.set_main_option = set_main_option  # type: ignore[method-assign]


def ensure_experiment(client: MlflowClient, settings: TrackingSettings) -> str:
    """Return the id of our experiment, creating it if necessary.

    Raises:
        ConfigurationError: somebody has deleted it, and MLflow keeps its name.
    """
    if found := client.get_experiment_by_name(EXPERIMENT):
        if found.lifecycle_stage == LifecycleStage.DELETED:
            raise ConfigurationError(
                f"The experiment {EXPERIMENT} was deleted in MLflow.",
                advice=f"Restore it with `mlflow experiments restore --experiment-id {found.experiment_id}`, "
                f"or remove it for good with `mlflow gc --experiment-ids {found.experiment_id}`.",
            )
        return str(found.experiment_id)
    return str(client.create_experiment(EXPERIMENT, artifact_location=settings.mlflow_artifacts))
