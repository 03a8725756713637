"""The parts that a run brings along where none are named: MongoDB, store, MLflow, a sample GitHub, Java."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from local.services import java
from local.services.shared import LOOPBACK, shared
from steps.common.settings import MongoSettings

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_SITE = "https://github.example"
SAMPLE_REPOSITORIES = ("example/webshop", "example/compiler", "example/docs")


@contextmanager
def settings(state: Path, *, samples: bool) -> Iterator[dict[str, str]]:
    """What the steps get to know; whatever the environment already names is used instead of an embedded part."""
    with ExitStack() as parts:
        own = {"JAVA_HOME": str(java.home(state / "java")), "GIT_COMMIT": git_commit()}
        own |= parts.enter_context(kept(state))
        if samples:
            own |= parts.enter_context(sample_github(state))
        yield own


@contextmanager
def kept(state: Path) -> Iterator[dict[str, str]]:
    """Where documents, datasets and models are kept, with a MongoDB of the state folder's own if none is named."""
    known = places(state)
    with ExitStack() as parts:
        if "MONGO_URI" not in known:
            known["MONGO_URI"] = parts.enter_context(mongo(state))
        yield known


def places(state: Path) -> dict[str, str]:
    """Where all that is: what the environment names, else the state folder's own; nothing is started."""
    return {
        "MONGO_DB": MongoSettings.model_fields["mongo_db"].default,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "STORE_URL": f"file://{state}/store",
        **tracking(state),
        **{name: os.environ[name] for name in ("STORE_URL", "MONGO_URI", "MONGO_DB") if name in os.environ},
    }


def tracking(state: Path) -> dict[str, str]:
    """Where MLflow keeps runs and models."""
    if "MLFLOW_URI" in os.environ:
        return {"MLFLOW_URI": os.environ["MLFLOW_URI"]}
    return {"MLFLOW_URI": f"sqlite:///{state}/mlflow.db", "MLFLOW_ARTIFACTS": f"file://{state}/mlruns"}


@contextmanager
def mongo(state: Path) -> Iterator[str]:
    """SecantusDB on `state/mongo`, flushing each write that it acknowledges; yields its URI."""

    def command(port: int) -> list[str]:
        place = ("--host", LOOPBACK, "--port", str(port), "--storage-path", str(state / "mongo"))
        return [str(Path(sys.executable).with_name("secantusd-py")), *place, "--sync-on-commit"]

    def answers(port: int) -> bool:
        with MongoClient[dict[str, object]](LOOPBACK, port, serverSelectionTimeoutMS=200) as client:
            try:
                client.admin.command("ping")
            except PyMongoError:
                return False
        return True

    with shared("mongo", state, command, answers) as port:
        yield f"mongodb://{LOOPBACK}:{port}"


@contextmanager
def sample_github(state: Path) -> Iterator[dict[str, str]]:
    """The stand-in with generated pull requests."""

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "samples.server", "--port", str(port)]

    def answers(port: int) -> bool:
        with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return True
        return False

    with shared("samples", state, command, answers) as port:
        yield {"GITHUB_API_URL": f"http://{LOOPBACK}:{port}", "GITHUB_URL": SAMPLE_SITE, "GITHUB_TOKEN": "sample"}


def git_commit() -> str:
    """The commit of this code, where it is in a Git working copy."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "-C", str(ROOT), "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() or "unknown"
