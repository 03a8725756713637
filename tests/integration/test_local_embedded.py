"""The parts that a run brings along: they keep their data, end with their run, and give way to what is named."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient

from local.services import embedded
from local.services.server import exclusive_run, server
from steps.common.errors import StorageFull, Unavailable

ROOT = Path(__file__).parents[2]
HOLD_MONGO = (
    "import sys, time; from pathlib import Path; from local.services import embedded\n"
    "with embedded.mongo(Path(sys.argv[1])) as uri:\n"
    "    print(uri, flush=True)\n"
    "    time.sleep(300)"
)


@contextmanager
def documents(uri: str) -> Iterator[Any]:
    """A collection of the server at this address."""
    with MongoClient[dict[str, Any]](uri) as client:
        yield client.test.documents


def test_mongo_keeps_its_documents_between_runs(tmp_path: Path) -> None:
    """The second server on a folder has what the first was given."""
    with embedded.mongo(tmp_path) as uri, documents(uri) as written:
        written.insert_one({"_id": 1})
    with embedded.mongo(tmp_path) as uri, documents(uri) as read:
        assert read.count_documents({}) == 1


def test_a_run_that_was_killed_leaves_no_server_and_no_obstacle(tmp_path: Path) -> None:
    """kill -9: its server ends, and the next run on the same folder finds every acknowledged write."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HOLD_MONGO, str(tmp_path)]
    killed = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    with documents(killed.stdout.readline().strip()) as written:
        written.insert_one({"_id": 1})
    server_of_killed = psutil.Process(int((tmp_path / "mongo.lock").read_text()))
    killed.kill()
    killed.wait()
    assert psutil.wait_procs([server_of_killed], timeout=60)[0]
    with embedded.mongo(tmp_path) as uri, documents(uri) as read:
        assert read.count_documents({}) == 1


def test_a_server_left_behind_is_ended_before_the_next_one_starts(tmp_path: Path) -> None:
    """If the system does not stop it with its parent; the inherited lock identifies it."""
    with (tmp_path / "thing.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        left = subprocess.Popen(["sleep", "300"], pass_fds=[lock.fileno()])
        lock.write(str(left.pid))
    with server("thing", ["/bin/sleep", "300"], tmp_path, lambda: True):
        assert left.wait(timeout=10) < 0


def test_a_second_run_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """Two at once would spoil each other's results."""
    with exclusive_run(tmp_path), pytest.raises(Unavailable, match="Another run is using"), exclusive_run(tmp_path):
        pass


def test_a_server_that_does_not_start_is_reported_with_its_last_log_line(tmp_path: Path) -> None:
    """And where the rest of them is."""
    command = ["/bin/sh", "-c", "echo it will not do; exit 3"]
    with pytest.raises(Unavailable) as refusal, server("thing", command, tmp_path, lambda: False):
        pass
    assert refusal.value.problem == "thing exited with code 3. it will not do"
    assert str(tmp_path / "thing.log") in refusal.value.advice


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device here that is always full")
def test_a_server_without_space_is_reported_as_such(tmp_path: Path) -> None:
    """A full disk can be mended, so it has an error of its own."""
    command = ["/bin/sh", "-c", "cat /proc/version > /dev/full"]
    with pytest.raises(StorageFull), server("thing", command, tmp_path, lambda: False):
        pass


def test_parts_that_the_environment_names_are_not_brought_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An explicit MongoDB, store and MLflow are handed on as they are, and none is started."""
    named = {"MONGO_URI": "mongodb://db.example", "STORE_URL": "s3://bucket/x", "MLFLOW_URI": "http://mlflow.example"}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    with embedded.run_settings(tmp_path, samples=False) as settings:
        assert named.items() <= settings.items()
    assert not (tmp_path / "mongo").exists()


def test_the_sample_github_answers(tmp_path: Path) -> None:
    """At the URL in the steps' settings."""
    import requests

    with embedded.sample_github(tmp_path) as settings:
        headers = {"Authorization": f"Bearer {settings['GITHUB_TOKEN']}"}
        query = {"query": '{ repository(owner: "example", name: "docs") { nameWithOwner } }'}
        answer = requests.post(f"{settings['GITHUB_API_URL']}/graphql", json=query, headers=headers, timeout=10)
    assert answer.json()["data"]["repository"]["nameWithOwner"] == "example/docs"
