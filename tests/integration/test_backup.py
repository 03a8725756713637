"""What is lost comes back from a backup: MongoDB, the registry, the store; nothing is overwritten."""

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any, BinaryIO, cast

import bson
import pytest
from mlflow import MlflowClient
from pydantic import SecretStr
from pymongo.database import Database

from local.backup import manifest
from local.services import embedded
from steps.common.mongo import open_database
from steps.common.settings import MongoSettings, StoreSettings
from steps.common.store import FolderStore, open_store
from tests.support.backups import LATER, call, hash_files, refuse
from tests.support.command_line import SETTINGS, start_cli
from tests.support.predictions import PULL_REQUEST
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


def read_documents(state: Path) -> dict[str, tuple[list[dict[str, Any]], list[str]]]:
    """All documents and the indexes, by collection."""
    with embedded.mongo(state) as uri, open_database(MongoSettings(mongo_uri=SecretStr(uri))) as database:
        return {
            name: (
                sorted(database[name].find(), key=lambda one: str(one["_id"])),
                sorted(f"{one['key']} {one.get('expireAfterSeconds')}" for one in database[name].list_indexes()),
            )
            for name in sorted(database.list_collection_names())
        }


def read_registry(state: Path) -> tuple[str, dict[str, str], str, set[str]]:
    """The champion's version, tags and place of files, and these, wherever the folder is."""
    embedded.find_tracking(state)
    client = MlflowClient(f"sqlite:///{state}/mlflow.db")
    champion = client.get_model_version_by_alias("pr-sentinel", "champion")
    tags = {name: value.replace(str(state), "") for name, value in champion.tags.items()}
    place = client.get_run(str(champion.run_id)).info.artifact_uri
    assert place.startswith(f"file://{state}/")
    return str(champion.version), tags, place.replace(str(state), ""), set(hash_files(state / "mlruns").values())


def read_saved(folder: Path, name: str) -> list[dict[str, Any]]:
    """The documents of a collection in a backup, read without any of our code."""
    with gzip.open(folder / "mongodb" / f"{name}.bson.gz") as file:
        return [*bson.decode_file_iter(cast("BinaryIO", file))]


def test_what_is_lost_comes_back(saved_state: Path, saved: Path, tmp_path: Path) -> None:
    """MongoDB, the registry, the store, one after the other; then all of it, in another folder."""
    question = ("trace", PULL_REQUEST, "--json", "--state")
    state = Path(shutil.copytree(saved_state, tmp_path / "state"))
    documents, registry, store = read_documents(state), read_registry(state), hash_files(state / "store")
    answer = json.loads(call(*question, state))
    assert len(documents["pull_requests"][0]) == 4200
    assert f"SON([('scored_at', 1)]) {LATER}" in documents["predictions"][1]

    shutil.rmtree(state / "mongo")
    with embedded.mongo(state):
        assert "4,208 of 4,208 documents were missing" in call("restore", saved, "--state", state)
        assert read_documents(state) == documents
        (state / "mlflow.db").unlink()
        shutil.rmtree(state / "mlruns")
        call("restore", saved, "--state", state)
        assert read_registry(state) == registry
        shutil.rmtree(state / "store")
        call("restore", saved, "--state", state)
        assert hash_files(state / "store") == store
        assert json.loads(call(*question, state)) == answer
        assert "mongodb: 0 of 4,208" in call("restore", saved, "--state", state)

    new = tmp_path / "new"
    call("restore", saved, "--state", new)
    assert read_documents(new) == documents
    assert read_registry(new) == registry
    assert hash_files(new / "store") == store


def test_a_backup_is_for_its_owner_and_readable_without_this_code(saved: Path) -> None:
    """Documents as mongodump writes them, objects under their keys, hashes that sha256sum can check."""
    assert saved.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in saved.rglob("*") if path.is_file()} == {0o600}
    assert len(read_saved(saved, "pull_requests")) == 4200
    assert subprocess.run(["sha256sum", "-c", manifest.CHECKSUM], cwd=saved, check=False).returncode == 0
    assert [path.name for path in saved.parent.glob(".*")] == []


def test_the_next_backup_shares_what_is_the_same(saved_state: Path, saved: Path, tmp_path: Path) -> None:
    """A changed object is copied, one that is damaged in the earlier backup, too; what is gone from the store goes."""
    state, target = Path(shutil.copytree(saved_state, tmp_path / "state")), tmp_path / "backup"
    environment = {"MLFLOW_URI": "http://127.0.0.1:9"}
    store = FolderStore(state / "store")
    for name in ("same", "changed", "gone", "damaged"):
        store.write(f"test/{name}", name.encode())
    only = ("backup", target, "--only", "store", "--state", state)
    call(*only, **environment)
    before = {path.name: path.stat().st_ino for path in (target / "store" / "test").iterdir()}
    store.write("test/changed", b"other")
    store.delete("test/gone")
    (state / "store" / "test" / "gone").unlink()
    (target / "store" / "test" / "damaged").write_bytes(b"another")
    call(*only, **environment)
    after = {path.name: path.stat().st_ino for path in (target / "store" / "test").iterdir()}
    assert set(after) == {"same", "changed", "damaged"}
    assert {name for name in after if after[name] == before[name]} == {"same"}
    assert hash_files(target / "store") == hash_files(state / "store")


def test_restoring_over_other_data_is_refused(
    saved_state: Path, saved: Path, elsewhere: dict[str, str], database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    """Of each part; nothing of the others is written, and what is there stays."""
    state, objects = tmp_path / "state", tmp_path / "objects"
    state.mkdir()
    command = ("restore", saved, "--state", state)
    for name in ("sync", "foreign"):
        database[name].insert_one({"_id": "other"})
        assert f"{name} in MongoDB has documents that the backup lacks" in refuse(*command, **elsewhere)
        database.drop_collection(name)
    database.predictions.insert_one({"_id": read_saved(saved, "predictions")[0]["_id"], "score": 1})
    assert "predictions in MongoDB has documents" in refuse(*command, **elsewhere)
    database.drop_collection("predictions")
    shutil.copy(saved_state / "mlflow.db", state)
    with sqlite3.connect(state / "mlflow.db") as tracking:
        tracking.execute("UPDATE model_versions SET description = 'another'")
    assert "has other runs or models than the backup" in refuse(*command, **elsewhere)
    (state / "mlflow.db").unlink()
    key = FolderStore(saved / "store").list_keys("")[0]
    FolderStore(objects).write(key, b"another")
    assert f"has another {key} than the backup" in refuse(*command, **elsewhere)
    assert FolderStore(objects).read(key) == b"another"
    assert database.list_collection_names() == []
    assert sorted(path.name for path in state.iterdir()) == ["run.lock"]
    call(*command, "--only", "mongodb", **elsewhere)
    assert database.pull_requests.count_documents({}) == 4200


def test_a_restore_that_was_interrupted_goes_on(
    saved: Path, elsewhere: dict[str, str], database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    """With some documents and objects there already, and an empty database of MLflow; the end is the same."""
    objects = tmp_path / "objects"
    half = [one for place, one in enumerate(read_saved(saved, "pull_requests")) if place % 2]
    database.pull_requests.insert_many(half)
    key = FolderStore(saved / "store").list_keys("")[0]
    FolderStore(objects).upload(key, saved / "store" / key)
    (tmp_path / "state").mkdir()
    MlflowClient(f"sqlite:///{tmp_path}/state/mlflow.db").search_experiments()
    told = call("restore", saved, "--state", tmp_path / "state", **elsewhere)
    assert "mongodb: 2,108 of 4,208 documents were missing" in told
    assert database.pull_requests.count_documents({}) == 4200
    assert hash_files(objects) == hash_files(saved / "store")
    assert "scored_at_1" in database.predictions.index_information()


@pytest.mark.parametrize("has_earlier", [True, False])
def test_an_interrupted_backup_is_none(
    saved: Path, has_earlier: bool, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    """Killed while it copies, the earlier backup stays as it was; the next attempt cleans up, as that of a restore."""
    target, state = tmp_path / "backup", tmp_path / "state"
    if has_earlier:
        shutil.copytree(saved, target)
    (tmp_path / "objects" / "test").mkdir(parents=True)
    for number in range(3000):
        (tmp_path / "objects" / "test" / str(number)).write_bytes(b"")
    partial = tmp_path / ".backup.partial"
    only = ("--only", "store", "--state", str(state))
    process = start_cli("backup", str(target), *only, environment=elsewhere)
    wait_until((partial / "store" / "test" / "0").exists)
    process.kill()
    process.wait()
    assert (partial / "store").is_dir()
    assert not (partial / manifest.FILE).exists()
    assert "is not a complete backup" in refuse("restore", partial, *only, **elsewhere)
    if has_earlier:
        assert hash_files(target) == hash_files(saved)
        shutil.rmtree(target)
    else:
        assert "is not a complete backup" in refuse("restore", target, *only, **elsewhere)
    call("backup", target, *only, **elsewhere)
    assert len(hash_files(target / "store")) == 3000
    assert [path.name for path in tmp_path.glob(".*")] == []
    shutil.rmtree(tmp_path / "objects")
    process = start_cli("restore", str(target), *only, environment=elsewhere)
    wait_until((tmp_path / "objects" / "test" / "0").exists)
    process.kill()
    process.wait()
    assert 0 < len(hash_files(tmp_path / "objects")) < 3000
    call("restore", target, *only, **elsewhere)
    assert len(FolderStore(tmp_path / "objects").list_keys("test")) >= 3000


def test_a_kill_while_one_backup_replaces_the_other_loses_none(backup_copy: Path, elsewhere: dict[str, str]) -> None:
    """The earlier one gets its name back."""
    state = backup_copy.parent / "state"
    backup_copy.rename(backup_copy.parent / ".backup.previous")
    call("restore", backup_copy, "--only", "store", "--state", state, **elsewhere)
    assert hash_files(backup_copy / "store") == hash_files(backup_copy.parent / "objects")


def test_a_backup_of_what_is_lost_does_not_replace_a_good_one(
    backup_copy: Path, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    """Be it all, or a part that is not chosen this time."""
    before = hash_files(backup_copy)
    command = ("backup", backup_copy, "--state", tmp_path / "state")
    assert "has 4,208 documents of mongodb; this one would have none" in refuse(*command, **elsewhere)
    assert "of mongodb; this one would have none" in refuse(*command, "--only", "store", **elsewhere)
    assert hash_files(backup_copy) == before


def test_of_a_server_of_mlflow_the_rest_is_backed_up(saved: Path, elsewhere: dict[str, str], tmp_path: Path) -> None:
    """It is said, and the exit code says so, too, unless one has chosen the rest."""
    FolderStore(tmp_path / "objects").write("a/b", b"c")
    elsewhere = {**elsewhere, "MLFLOW_URI": "http://127.0.0.1:9"}
    command = ("backup", tmp_path / "backup", "--state", tmp_path / "state")
    told = refuse(*command, **elsewhere)
    assert "The registry is not in this backup: MLflow is a server here." in told
    assert "pg_dump" in told
    call(*command, "--only", "mongodb", "--only", "store", **elsewhere)
    (tmp_path / "objects" / "a" / "b").unlink()
    told = call("restore", *command[1:], **elsewhere)
    assert "registry: not in this backup." in told
    assert FolderStore(tmp_path / "objects").read("a/b") == b"c"
    assert "The registry is not restored" in refuse("restore", saved, *command[2:], **elsewhere)


def test_a_backup_among_other_files_or_in_the_state_folder_is_refused(tmp_path: Path) -> None:
    """It would replace them, or be lost with it."""
    state = tmp_path / "state"
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "thesis").write_text("")
    assert "exists, but is not a backup" in refuse("backup", tmp_path / "documents", "--state", state)
    assert "would be lost together" in refuse("backup", state / "backup", "--state", state)
    assert "would be lost together" in refuse("backup", tmp_path, "--state", state)
    assert (tmp_path / "documents" / "thesis").exists()


def test_an_s3_store_is_backed_up_and_restored(bucket: str, database: Database[dict[str, Any]], tmp_path: Path) -> None:
    """All below its prefix, and nothing else of the bucket."""
    settings = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    store = open_store(StoreSettings(store_url=settings["STORE_URL"]))
    store.write("a/b", b"c")
    store.write("d", b"")
    command = (tmp_path / "backup", "--only", "store", "--state", tmp_path / "state")
    call("backup", *command, **settings)
    store.delete("a")
    assert store.list_keys("") == ["d"]
    call("restore", *command, **settings)
    assert store.list_keys("") == ["a/b", "d"]
    assert store.read("a/b") == b"c"


def test_an_empty_installation_has_no_backup(elsewhere: dict[str, str], tmp_path: Path) -> None:
    """Nobody finds out only when it is needed that the settings named another place."""
    told = refuse("backup", tmp_path / "backup", "--state", tmp_path / "state", **elsewhere)
    assert "There is nothing to back up." in told
    assert not (tmp_path / "backup").exists()


def test_indexes_come_back_as_they_were(
    elsewhere: dict[str, str], database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    """Those of a kind that a manifest can't describe are left to the code that makes them."""
    collection = database["a/b c"]
    collection.insert_many([{"_id": 1, "at": 1}, {"_id": "1"}, {"_id": {"a": 1}}])
    collection.create_index([("at", 1), ("by", -1)], unique=True, sparse=True)
    collection.create_index("at", expireAfterSeconds=LATER)
    collection.create_index("more", unique=True, partialFilterExpression={"more": {"$exists": True}})
    documents, indexes = [*collection.find()], collection.index_information()
    command = (tmp_path / "backup", "--only", "mongodb", "--state", tmp_path / "state")
    call("backup", *command, **elsewhere)
    collection.drop()
    call("restore", *command, **elsewhere)
    assert [*collection.find()] == documents
    assert indexes.pop("more_1")
    assert collection.index_information() == indexes
