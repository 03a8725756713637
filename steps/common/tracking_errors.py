"""The meaning of MLflow's failures: what is retried, and what a person has to fix."""

import re
from urllib.parse import urlsplit

from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException

from steps.common.errors import (
    AccessRefused,
    ConfigurationError,
    DataError,
    NotFound,
    SentinelError,
    StorageFull,
    Unavailable,
    iterate_chain,
    mentions_storage_full,
)
from steps.common.network_errors import translate_network_error

ACCESS_CODES = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED"})
NOT_FOUND_CODE = "RESOURCE_DOES_NOT_EXIST"
REFUSED_CODES = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE", "RESOURCE_ALREADY_EXISTS"})

_SCHEMA = re.compile(r"out-of-date database schema|can't locate revision", re.IGNORECASE)
_ACCESS = re.compile(r"(error|status) code:? (401|403)|401 client error|403 client error", re.IGNORECASE)
_HOST_HEADER = re.compile(r"invalid host header|dns rebinding", re.IGNORECASE)
_ANOTHER_SERVER = re.compile(r"(error|status) code:? (404|405)|response body: .*<html|is not valid JSON", re.IGNORECASE)
_NO_DATABASE = re.compile(r"file is not a database|database disk image is malformed|file is encrypted", re.IGNORECASE)
_INCOMPLETE = re.compile(r"(table|index) \S+ already exists|duplicate column name", re.IGNORECASE)
_READ_ONLY = re.compile(r"readonly database|unable to open database file|permission denied|read-only", re.IGNORECASE)


def translate_tracking_error(uri: str, error: Exception) -> SentinelError:
    """Return what a failure of MLflow at a tracking URI means."""
    url, message = format_url(uri), "; ".join(str(each) for each in iterate_chain(error))
    code = error.error_code if isinstance(error, MlflowException) else ""
    for each in iterate_chain(error):
        if isinstance(each, RequestException):
            known = translate_network_error(each, f"MLflow at {url}", "MLFLOW_URI")
            if isinstance(known, SentinelError):
                return known
    if _HOST_HEADER.search(message):
        return ConfigurationError(
            f"MLflow at {url} does not take requests by this host name.",
            advice="Start it with --allowed-hosts and this name.",
        )
    if code in ACCESS_CODES or _ACCESS.search(message):
        return AccessRefused(f"MLflow at {url} refuses the user.", advice="Check the user in MLFLOW_URI.")
    if code == NOT_FOUND_CODE:
        reason = getattr(error, "message", "").rstrip(".")
        return NotFound(f"Not found in MLflow at {url}: {reason}.", advice="Check the ids and MLFLOW_URI.")
    return _translate_database_error(url, message) or _translate_refusal(url, code, message, error)


def _translate_database_error(url: str, message: str) -> SentinelError | None:
    if _SCHEMA.search(message):
        return ConfigurationError(
            f"The database of MLflow at {url} has the schema of another version of MLflow.",
            advice=f"Back it up, then run `mlflow db upgrade {url}`; a newer schema needs a newer MLflow here.",
        )
    if _NO_DATABASE.search(message):
        return ConfigurationError(f"The file of {url} is not a database of MLflow.", advice="Correct MLFLOW_URI.")
    if _INCOMPLETE.search(message):
        return ConfigurationError(
            f"The database of MLflow at {url} is incomplete: its creation or its upgrade was interrupted.",
            advice="Restore it from a backup; if it has never been used, delete it.",
        )
    if _READ_ONLY.search(message):
        return ConfigurationError(
            f"The database of MLflow at {url} can't be opened or written.",
            advice="Check that the folder exists and who owns it.",
        )
    if mentions_storage_full(message):
        return StorageFull(f"The database of MLflow at {url} has no space left.", advice="Free some space.")
    return None


def _translate_refusal(url: str, code: str, message: str, error: Exception) -> SentinelError:
    if isinstance(error, ImportError):
        return ConfigurationError(
            f"MLflow at {url} needs a package that is not installed: {error.name}.",
            advice="Use a tracking server, or install it.",
        )
    if _ANOTHER_SERVER.search(message):
        return ConfigurationError(f"The server at {url} is not MLflow.", advice="Correct MLFLOW_URI.")
    if code in REFUSED_CODES:
        return DataError(
            f"MLflow at {url} refuses the request: {message.partition('; ')[0]}",
            advice="Check the experiment and the model in its pages.",
        )
    return Unavailable(
        f"MLflow at {url} can't be used ({type(error).__name__}).",
        advice="Check that MLFLOW_URI names a server that is up, or sqlite:/// with a writable file.",
    )


def format_url(uri: str) -> str:
    """Return the URI without user and password."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
