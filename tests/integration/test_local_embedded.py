"""The parts that a run brings along: they keep their data, end with their run, and give way to what is named."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from local.services import embedded
from local.services.server import exclusive_run, server
from local.services.shared import find_free_port
from steps.common.command_line import make_state_folder
from steps.common.errors import StorageFull, Unavailable

ROOT = Path(__file__).parents[2]
HOLD_MONGO = (
    "import sys, time; from pathlib import Path; from local.services import embedded\n"
    "with embedded.mongo(Path(sys.argv[1])) as uri:\n"
    "    print(uri, flush=True)\n"
    "    time.sleep(300)"
)
WAIT_FOR_CONNECTION = (
    "import signal, socket, sys\n"
    "signal.signal(signal.SIGTERM, lambda *_: None)\n"
    "with socket.create_server(('127.0.0.1', int(sys.argv[1]))) as listening:\n"
    "    print('listening', flush=True)\n"
    "    listening.accept()"
)


@contextmanager
def documents(uri: str) -> Iterator[Any]:
    """A collection of the server at this address."""
    with MongoClient[dict[str, Any]](uri) as client:
        yield client.test.documents


@pytest.mark.slow
def test_mongo_keeps_its_documents_between_runs(tmp_path: Path) -> None:
    """The second server on a folder has what the first was given."""
    with embedded.mongo(tmp_path) as uri, documents(uri) as written:
        written.insert_one({"_id": 1})
    with embedded.mongo(tmp_path) as uri, documents(uri) as read:
        assert read.count_documents({}) == 1


@pytest.mark.slow
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


def test_a_server_that_waits_for_a_connection_is_ended_by_one(tmp_path: Path) -> None:
    """It is not killed."""
    port = find_free_port()
    command = [sys.executable, "-c", WAIT_FOR_CONNECTION, str(port)]
    log = tmp_path / "thing.log"
    with server("thing", command, tmp_path, lambda: "listening" in log.read_text(), port) as process:
        pass
    assert process.returncode == 0


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


def test_the_embedded_mongo_takes_nobody_without_its_password(tmp_path: Path) -> None:
    """Others on this machine can reach the port, and only the owner can read the password."""
    with embedded.mongo(tmp_path) as uri:
        address = f"mongodb://{uri.rpartition('@')[2].partition('/')[0]}"
        for wrong in (address, uri.replace("pr-sentinel:", "pr-sentinel:x")):
            with documents(wrong) as refused, pytest.raises(OperationFailure):
                refused.insert_one({"_id": 1})
    assert (tmp_path / "mongo.password").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "mongo.password").read_text() in uri


@pytest.mark.slow
def test_data_of_a_mongo_without_a_password_are_kept(tmp_path: Path) -> None:
    """A folder from before there was one, or whose set-up was killed, gets a password at its next start."""
    with embedded.mongo(tmp_path) as uri, documents(uri) as written:
        written.insert_one({"_id": 1})
    (tmp_path / "mongo.password").unlink()
    with embedded.mongo(tmp_path) as second, documents(second) as read:
        assert read.count_documents({}) == 1
    assert second.partition("@")[0] != uri.partition("@")[0]


@pytest.mark.slow
def test_a_mongo_whose_folder_was_lost_starts_anew(tmp_path: Path) -> None:
    """Its user was lost with the folder, though the password's file is still there."""
    with embedded.mongo(tmp_path) as uri, documents(uri) as written:
        written.insert_one({"_id": 1})
    shutil.rmtree(tmp_path / "mongo")
    with embedded.mongo(tmp_path) as uri, documents(uri) as read:
        assert read.count_documents({}) == 0


def test_a_new_state_folder_is_its_owners_alone(tmp_path: Path) -> None:
    """One that is there keeps its mode, but for the default one."""
    assert make_state_folder(tmp_path / "new" / "state").stat().st_mode & 0o777 == 0o700
    for name, mode in (("mine", 0o755), (".state", 0o700)):
        (tmp_path / name).mkdir(mode=0o755)
        assert make_state_folder(tmp_path / name).stat().st_mode & 0o777 == mode


def test_the_commit_is_that_of_this_code_in_the_hook_of_another_repository_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """wafflebase/wafflebase#592: Git names the hook's repository to all that the hook runs."""
    own = embedded.git_commit()
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, *identity, "commit", "--quiet", "--allow-empty", "-m", "x"], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert embedded.git_commit() == own
