"""Publication of a dataset, and verification by its readers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from steps.common.dataset import (
    DatasetFile,
    Manifest,
    RejectedDocuments,
    RepositorySummary,
    format_dataset_uri,
    hash_file,
    load_manifest,
    materialise,
)
from steps.common.errors import ConfigurationError, DamagedArtefact, DataError, NotFound
from steps.common.settings import StoreSettings
from steps.common.store import Store, open_store
from steps.preprocess import dataset

DAY = datetime(2026, 1, 1, tzinfo=UTC)
CONTENT = {"history/part-00000.parquet": b"h", "test/part-00000.parquet": b"t1", "test/part-00001.parquet": b"t2"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(StoreSettings(store_url=f"file://{tmp_path}/store"))


def _write_then_fail(store: Store, folder: str) -> None:
    store.write(f"{folder}/file", b"")
    store.read("nothing")


def publish(store: Store, content: dict[str, bytes] = CONTENT, watermark: datetime = DAY) -> Manifest:
    """Stage files and publish them, as a run does."""
    with dataset.create_staging_folder(store) as staged:
        files = []
        for name, data in content.items():
            store.write(f"{staged}/{name}", data)
            digest = hash_file(store.ensure_local(f"{staged}/{name}", Path()))
            files.append(DatasetFile(name=name, sha256=digest, bytes=len(data), rows=len(data)))
        repositories = {"owner/name": RepositorySummary(rows=5, first=DAY, last=DAY, watermark=watermark)}
        return dataset.publish(store, staged, files, repositories, RejectedDocuments(count=0, share=0.0))


def test_a_published_dataset_is_read_back(store: Store, tmp_path: Path) -> None:
    """The reader gets the manifest, and in place every file of the splits it asks for."""
    manifest = publish(store)
    uri = format_dataset_uri(store, manifest.hash)
    read = materialise(store, uri, tmp_path, {"test"})
    assert load_manifest(store, uri) == manifest
    assert [path.read_bytes() for path in read.files("test")] == [b"t1", b"t2"]
    assert read.files("history") == []
    assert manifest.splits == {"train": 0, "validation": 0, "test": 4, "injected": 0, "held_out": 0, "history": 1}


def test_the_staging_folder_is_empty_afterwards(store: Store) -> None:
    """Published files have left the staging folder."""
    publish(store)
    assert store.list_keys(dataset.STAGING) == []


def test_the_hash_depends_on_the_content_alone(store: Store) -> None:
    """Another watermark does not change it; another byte or name does."""
    name = publish(store).hash
    assert publish(store, watermark=DAY + timedelta(days=1)).hash == name
    assert publish(store, CONTENT | {"test/part-00001.parquet": b"t3"}).hash != name
    assert publish(store, CONTENT | {"test/part-00002.parquet": b""}).hash != name


def test_the_manifest_of_the_same_content_stays_unchanged(store: Store) -> None:
    """Readers always see the same manifest."""
    uri = format_dataset_uri(store, publish(store).hash)
    publish(store, watermark=DAY + timedelta(days=1))
    assert load_manifest(store, uri).repositories["owner/name"].watermark == DAY


def test_publishing_again_repairs_a_damaged_file(store: Store, tmp_path: Path) -> None:
    """The next run with the same content restores a changed file."""
    uri = format_dataset_uri(store, publish(store).hash)
    key = f"{uri.removeprefix(store.url)[1:]}/test/part-00000.parquet"
    store.write(key, b"changed")
    publish(store)
    assert materialise(store, uri, tmp_path).files("test")[0].read_bytes() == b"t1"


def test_files_without_a_manifest_are_no_dataset(store: Store) -> None:
    """Files that a killed run has moved can't be read as a dataset."""
    with pytest.raises(NotFound, match=r"manifest\.json"):
        load_manifest(store, format_dataset_uri(store, "0" * 64))


@pytest.mark.parametrize("damage", [b"changed", None])
def test_a_damaged_file_is_named(store: Store, tmp_path: Path, damage: bytes | None) -> None:
    """The error names a changed or missing file."""
    uri = format_dataset_uri(store, publish(store).hash)
    key = f"{uri.removeprefix(store.url)[1:]}/test/part-00001.parquet"
    if damage is None:
        store.ensure_local(key, tmp_path).unlink()
    else:
        store.write(key, damage)
    with pytest.raises(DamagedArtefact, match=r"test/part-00001\.parquet is damaged"):
        materialise(store, uri, tmp_path)


@pytest.mark.parametrize(("old", "new"), [(b'"rows": 2', b'"rows": "x"'), (b"float", b"double"), (b"{", b"")])
def test_a_damaged_manifest_is_named(store: Store, old: bytes, new: bytes) -> None:
    """A manifest that is invalid, or does not match its hash, is refused."""
    uri = format_dataset_uri(store, publish(store).hash)
    key = f"{uri.removeprefix(store.url)[1:]}/manifest.json"
    store.write(key, store.read(key).replace(old, new))
    with pytest.raises(DamagedArtefact, match=r"manifest\.json is damaged"):
        load_manifest(store, uri)


def _find_values(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value in a JSON document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path
    for key, below in items or ():
        yield from _find_values(below, (*path, key))


def test_every_field_that_decides_is_covered_by_the_hash(store: Store) -> None:
    """A changed manifest is refused, whatever was changed, but for what was only seen when it was written."""
    uri = format_dataset_uri(store, publish(store).hash)
    key = f"{uri.removeprefix(store.url)[1:]}/manifest.json"
    whole = store.read(key)
    unnoticed = []
    for path in _find_values(json.loads(whole)):
        changed = json.loads(whole)
        place = reduce(lambda part, name: part[name], path[:-1], changed)
        value = place[path[-1]]
        place[path[-1]] = (
            "2099-01-01T00:00:00Z"
            if path[-1] in {"first", "last", "watermark"}
            else (f"{value}0" if isinstance(value, str) else value + 1)
        )
        store.write(key, json.dumps(changed).encode())
        try:
            load_manifest(store, uri)
            unnoticed.append(path)
        except DataError:
            pass
    assert unnoticed == [("repositories", "owner/name", "watermark"), ("rejected", "count"), ("rejected", "share")]


def test_a_repository_that_is_added_or_left_out_is_noticed(store: Store) -> None:
    """So are a split and a file."""
    uri = format_dataset_uri(store, publish(store).hash)
    key = f"{uri.removeprefix(store.url)[1:]}/manifest.json"
    whole = json.loads(store.read(key))
    other = {"other/name": whole["repositories"]["owner/name"]}
    parts: list[dict[str, Any]] = [{"repositories": {}}, {"splits": {}}, {"files": []}]
    for part in [*parts, {"repositories": whole["repositories"] | other}]:
        store.write(key, json.dumps(whole | part).encode())
        with pytest.raises(DamagedArtefact):
            load_manifest(store, uri)


def test_a_dataset_of_other_code_is_refused_as_such(store: Store) -> None:
    """It is not damaged, only old."""
    uri = format_dataset_uri(store, publish(store).hash)
    key = f"{uri.removeprefix(store.url)[1:]}/manifest.json"
    store.write(key, json.dumps(json.loads(store.read(key)) | {"version": 1}).encode())
    with pytest.raises(DataError, match="is a dataset of version 1"):
        load_manifest(store, uri)


def test_publishing_again_repairs_a_damaged_manifest(store: Store) -> None:
    """And a record of inputs that was changed is not believed."""
    manifest = publish(store)
    dataset.remember(store, "inputs", manifest)
    key = f"datasets/{manifest.hash}/manifest.json"
    store.write(key, store.read(key).replace(b'"rows": 5', b'"rows": 6'))
    assert dataset.recall(store, "inputs") is None
    publish(store)
    assert dataset.recall(store, "inputs") == manifest
    record = "datasets/inputs/inputs.json"
    store.write(record, store.read(record).replace(b'"rows": 5', b'"rows": 6'))
    assert dataset.recall(store, "inputs") is None


def test_a_dataset_of_another_store_is_refused(store: Store) -> None:
    """A reader uses its own store only."""
    with pytest.raises(ConfigurationError, match="is not in the store"):
        load_manifest(store, "file:///elsewhere/datasets/abc")


def test_only_old_staging_folders_are_deleted(store: Store) -> None:
    """Recent folders of other runs, and other files, stay."""
    now = datetime.now(UTC)
    old, young = (
        f"{dataset.STAGING}/{now - age:%Y%m%dT%H%M%SZ}-run/file"
        for age in (2 * dataset.MAX_STAGING_AGE, timedelta(hours=1))
    )
    for key in (old, young, "staging/notes.txt"):
        store.write(key, b"")
    with dataset.create_staging_folder(store) as mine:
        store.write(f"{mine}/file", b"")
        assert store.list_keys(dataset.STAGING) == sorted([young, f"{mine}/file", "staging/notes.txt"])
    assert store.list_keys(dataset.STAGING) == sorted([young, "staging/notes.txt"])


def test_a_failed_run_deletes_its_staging_folder(store: Store) -> None:
    """Also after an error."""
    with pytest.raises(NotFound), dataset.create_staging_folder(store) as mine:
        _write_then_fail(store, mine)
    assert store.list_keys(dataset.STAGING) == []


def test_the_manifest_of_known_inputs_is_found(store: Store) -> None:
    """Other inputs find nothing."""
    manifest = publish(store)
    dataset.remember(store, "inputs", manifest)
    assert dataset.recall(store, "inputs") == manifest
    assert dataset.recall(store, "others") is None


def test_a_missing_dataset_or_invalid_record_is_not_found(store: Store) -> None:
    """The dataset is then built again."""
    manifest = publish(store)
    dataset.remember(store, "inputs", manifest)
    store.delete(f"datasets/{manifest.hash}")
    assert dataset.recall(store, "inputs") is None
    store.write("datasets/inputs/inputs.json", b"{}")
    assert dataset.recall(store, "inputs") is None
