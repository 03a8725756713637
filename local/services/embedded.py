"""Embedded services for what the environment does not provide: MongoDB, the store, MLflow, the fake GitHub, Java."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from local.services import java, relocation
from local.services.database import mongo as mongo  # noqa: PLC0414  one of the services
from local.services.server import LOOPBACK, takes_connections
from local.services.shared import shared_server
from steps.common.git import find_by_folder
from steps.common.settings import MongoSettings

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_SITE = "https://github.example"
SAMPLE_REPOSITORIES = ("example/webshop", "example/compiler", "example/docs")


@contextmanager
def run_settings(state: Path, *, samples: bool) -> Iterator[dict[str, str]]:
    """Provide the settings of the steps; a service named in the environment replaces the embedded one."""
    with ExitStack() as parts:
        own = {"JAVA_HOME": str(java.home(state / "java")), "GIT_COMMIT": git_commit()}
        own |= parts.enter_context(data_services(state))
        if samples:
            own |= parts.enter_context(sample_github(state))
        yield own


@contextmanager
def data_services(state: Path) -> Iterator[dict[str, str]]:
    """Provide the locations of MongoDB, the store and MLflow; starts an embedded MongoDB if none is named."""
    known = find_locations(state)
    with ExitStack() as parts:
        if "MONGO_URI" not in known:
            known["MONGO_URI"] = parts.enter_context(mongo(state))
        yield known


def find_locations(state: Path) -> dict[str, str]:
    """Return the locations from the environment, or else in the state folder; nothing is started."""
    return {
        "MONGO_DB": MongoSettings.model_fields["mongo_db"].default,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "STORE_URL": (state / "store").as_uri(),
        **find_tracking(state),
        **{name: os.environ[name] for name in ("STORE_URL", "MONGO_URI", "MONGO_DB") if name in os.environ},
    }


def find_tracking(state: Path) -> dict[str, str]:
    """Return MLflow's location for runs and models."""
    if "MLFLOW_URI" in os.environ:
        return {"MLFLOW_URI": os.environ["MLFLOW_URI"]}
    relocation.follow(state)
    database, artefacts = state / relocation.DATABASE, state / relocation.ARTIFACTS
    return {"MLFLOW_URI": _format_sqlite_uri(database), "MLFLOW_ARTIFACTS": artefacts.as_uri()}


def _format_sqlite_uri(path: Path) -> str:
    """Return the URI of a database file.

    It names the driver, too: of a URI that doesn't, MLflow makes the folder, but without decoding its name.
    """
    return f"sqlite+pysqlite:///{quote(str(path))}"


@contextmanager
def sample_github(state: Path) -> Iterator[dict[str, str]]:
    """Run the fake GitHub with synthetic pull requests; yields its settings."""

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "samples.server", "--port", str(port)]

    with shared_server("samples", state, command, takes_connections) as port:
        yield {"GITHUB_API_URL": f"http://{LOOPBACK}:{port}", "GITHUB_URL": SAMPLE_SITE, "GITHUB_TOKEN": "sample"}


def git_commit() -> str:
    """Return the commit of this code; `unknown` outside a Git working copy."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "-C", str(ROOT), "rev-parse", "HEAD"]
    answer = subprocess.run(command, env=find_by_folder(), capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() or "unknown"
