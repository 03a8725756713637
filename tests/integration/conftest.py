"""Real parts for the tests: an embedded MongoDB, an S3 server and the stand-in for GitHub, each started once."""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pymongo import MongoClient
from pymongo.database import Database

from local.services import embedded
from steps.fetch import github as adapter
from tests.support import servers
from tests.support.backups import call, make_state
from tests.support.command_line import SampleRun, cli
from tests.support.github import StandIn
from tests.support.lineage_sink import EVENTS_FILE, EVENTS_RECEIVED, configure_both, receiving
from tests.support.sharing import make_once


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An embedded MongoDB of this test session."""
    with embedded.mongo(tmp_path_factory.mktemp("mongo")) as uri:
        yield uri


@pytest.fixture
def database(mongo_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database[dict[str, Any]]]:
    """An empty database, which the steps' settings name."""
    name = f"test_{uuid.uuid4().hex}"
    monkeypatch.setenv("MONGO_URI", mongo_uri)
    monkeypatch.setenv("MONGO_DB", name)
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client[name]


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> SampleRun:
    """One run of the whole pipeline on the samples, for all tests that begin where it ends, in whichever process.

    Its lineage goes to a file and to a server.
    """

    def make(folder: Path) -> str:
        with receiving() as sink:
            done = cli("run", "--state", str(folder / "state"), **configure_both(sink, folder / EVENTS_FILE))
        (folder / EVENTS_RECEIVED).write_text(json.dumps(sink.events), "utf-8")
        return json.dumps([done.returncode, done.stdout, done.stderr])

    folder, told = make_once(tmp_path_factory, "sample-run", make)
    return SampleRun(folder / "state", subprocess.CompletedProcess("run", *json.loads(told)))


@pytest.fixture(scope="session")
def saved_state(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state after that run, with a prediction."""
    return make_state(sample_run.state, tmp_path_factory.mktemp("saved") / "state")


@pytest.fixture(scope="session")
def saved(saved_state: Path) -> Path:
    """A backup of it."""
    folder = saved_state.parent / "backup"
    call("backup", folder, "--state", saved_state)
    return folder


@pytest.fixture
def backup_copy(saved: Path, tmp_path: Path) -> Path:
    """A copy of the backup that a test may change."""
    return Path(shutil.copytree(saved, tmp_path / "backup"))


@pytest.fixture
def elsewhere(database: Database[dict[str, Any]], tmp_path: Path) -> dict[str, str]:
    """The settings of an empty database, which needs no start, and of an empty store."""
    return {
        "MONGO_URI": os.environ["MONGO_URI"],
        "MONGO_DB": database.name,
        "STORE_URL": (tmp_path / "objects").as_uri(),
    }


@pytest.fixture(scope="session")
def github_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a stand-in of this test session."""
    with embedded.sample_github(tmp_path_factory.mktemp("github")) as settings:
        yield settings["GITHUB_API_URL"]


@pytest.fixture
def github(github_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """The stand-in without faults, which the steps' settings name; waits that nobody asked for are short."""
    controls = StandIn(github_address)
    controls.reset()
    monkeypatch.setenv("GITHUB_API_URL", github_address)
    monkeypatch.setenv("GITHUB_TOKEN", "a-token")
    monkeypatch.setattr(adapter, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(adapter, "MAX_BACKOFF_SECONDS", 0.1)
    yield controls
    controls.reset()  # others use it as it is


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3-compatible server of this test session."""
    with servers.s3(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket, which the steps' settings name as the store."""
    name = f"bucket-{uuid.uuid4().hex}"
    requests.put(f"{s3_endpoint}/{name}", timeout=10).raise_for_status()
    monkeypatch.setenv("STORE_URL", f"s3://{name}/some/prefix")
    monkeypatch.setenv("S3_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("S3_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("S3_SECRET_ACCESS_KEY", "a-secret")
    return name


@pytest.fixture
def megabyte(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False).returncode == 0
    if not mounted:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)
