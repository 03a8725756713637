"""What MLflow's failures mean."""

import sqlite3
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException
from requests.exceptions import SSLError

from steps.common import tracking
from steps.common.errors import AccessRefused, ConfigurationError, DataError, NotFound, StorageFull, Unavailable
from steps.common.settings import TrackingSettings
from steps.common.tracking_errors import translate_tracking_error

URI = "https://user:hunter2@mlflow.example:5000/path"


def rest(code: str, message: str) -> MlflowException:
    """A server's refusal."""
    made: MlflowException = RestException({"error_code": code, "message": message})  # type: ignore[no-untyped-call]
    return made


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        # mlflow/mlflow#12627
        (RuntimeError("Can't locate revision identified by '4465047574b1'"), ConfigurationError, "another version"),
        # rossoctl/rossoctl#1101
        (MlflowException("Invalid Host header - possible DNS rebinding attack detected"), ConfigurationError, "host"),
        (rest("PERMISSION_DENIED", "no"), AccessRefused, "user"),
        (MlflowException("API request failed with error code 401 != 200"), AccessRefused, "user"),
        (MlflowException("API request failed with error code 404 != 200"), ConfigurationError, "not MLflow"),
        (rest("RESOURCE_DOES_NOT_EXIST", "Run 'x' not found"), NotFound, "Run 'x' not found"),
        (rest("INVALID_PARAMETER_VALUE", "The name is too long"), DataError, "The name is too long"),
        (
            MlflowException("(sqlite3) attempt to write a readonly database"),
            ConfigurationError,
            "opened",
        ),
        (MlflowException("(sqlite3.DatabaseError) file is not a database"), ConfigurationError, "not a database"),
        (
            MlflowException("(sqlite3.OperationalError) table _alembic_tmp_tags already exists"),
            ConfigurationError,
            "was interrupted",
        ),
        (MlflowException("(sqlite3.OperationalError) database or disk is full"), StorageFull, "space"),
        (MlflowException("(sqlite3.OperationalError) database is locked"), Unavailable, "can't be used"),
        (ModuleNotFoundError("No module named 'psycopg2'", name="psycopg2"), ConfigurationError, "psycopg2"),
        (rest("INTERNAL_ERROR", "Something"), Unavailable, "can't be used"),
    ],
)
def test_a_failure_names_its_cause(error: Exception, kind: type[Exception], words: str) -> None:
    """Nothing permanent is retried, and no password is shown."""
    found = translate_tracking_error(URI, error)
    assert type(found) is kind
    assert words in str(found)
    assert "hunter2" not in str(found)


def test_a_certificate_that_is_not_trusted_is_found_behind_mlflows_own_error() -> None:
    """MLflow wraps what requests raises."""
    behind = SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate")
    error = MlflowException("API request failed")
    error.__cause__ = behind
    found = translate_tracking_error(URI, error)
    assert isinstance(found, ConfigurationError)
    assert "REQUESTS_CA_BUNDLE" in found.advice


def test_a_deleted_experiment_and_another_schema_are_named(tmp_path: Path) -> None:
    """With the commands that mend them."""
    folder = tmp_path / "mlflow.db"
    settings = TrackingSettings(mlflow_uri=f"sqlite:///{folder}", mlflow_artifacts=f"file://{tmp_path}/runs")
    with tracking.connect(settings) as client:
        MlflowClient(settings.mlflow_uri).delete_experiment(tracking.ensure_experiment(client, settings))
        with pytest.raises(ConfigurationError, match=r"deleted.*mlflow experiments restore"):
            tracking.ensure_experiment(client, settings)
    with sqlite3.connect(tmp_path / "copy.db") as copy, sqlite3.connect(folder) as source:
        source.backup(copy)
        copy.execute("update alembic_version set version_num = '7f2a7d5fae7d'")
    older = settings.model_copy(update={"mlflow_uri": f"sqlite:///{tmp_path}/copy.db"})
    with pytest.raises(ConfigurationError, match="mlflow db upgrade"), tracking.connect(older):
        pass
