"""How files become a dataset, and how a reader tells whether they still are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

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
from steps.common.errors import ConfigurationError, DamagedArtefact, NotFound
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
    """Publish files as a run does that has staged them."""
    with dataset.create_staging_folder(store) as staged:
        files = []
        for name, data in content.items():
            store.write(f"{staged}/{name}", data)
            digest = hash_file(store.ensure_local(f"{staged}/{name}", Path()))
            files.append(DatasetFile(name=name, sha256=digest, bytes=len(data), rows=len(data)))
        repositories = {"owner/name": RepositorySummary(rows=5, first=DAY, last=DAY, watermark=watermark)}
        return dataset.publish(store, staged, files, repositories, RejectedDocuments(count=0, share=0.0))


def test_a_published_dataset_is_read_back(store: Store, tmp_path: Path) -> None:
    """The reader gets the manifest and, of the splits it wants, every file in place."""
    manifest = publish(store)
    uri = format_dataset_uri(store, manifest.hash)
    read = materialise(store, uri, tmp_path, {"test"})
    assert load_manifest(store, uri) == manifest
    assert [path.read_bytes() for path in read.files("test")] == [b"t1", b"t2"]
    assert read.files("history") == []
    assert manifest.splits == {"train": 0, "validation": 0, "test": 4, "injected": 0, "history": 1}


def test_nothing_stays_in_staging(store: Store) -> None:
    """Published files have left the staging folder."""
    publish(store)
    assert store.list_keys(dataset.STAGING) == []


def test_the_hash_is_that_of_the_content(store: Store) -> None:
    """Another watermark changes nothing, one byte or one name does."""
    name = publish(store).hash
    assert publish(store, watermark=DAY + timedelta(days=1)).hash == name
    assert publish(store, CONTENT | {"test/part-00001.parquet": b"t3"}).hash != name
    assert publish(store, CONTENT | {"test/part-00002.parquet": b""}).hash != name


def test_the_manifest_of_the_same_content_stays_as_it_was(store: Store) -> None:
    """Who has read a manifest once reads the same one for ever."""
    uri = format_dataset_uri(store, publish(store).hash)
    publish(store, watermark=DAY + timedelta(days=1))
    assert load_manifest(store, uri).repositories["owner/name"].watermark == DAY


def test_publishing_again_mends_a_damaged_file(store: Store, tmp_path: Path) -> None:
    """A file that was changed under a manifest is what it was after the next run that makes the same content."""
    uri = format_dataset_uri(store, publish(store).hash)
    key = f"{uri.removeprefix(store.url)[1:]}/test/part-00000.parquet"
    store.write(key, b"changed")
    publish(store)
    assert materialise(store, uri, tmp_path).files("test")[0].read_bytes() == b"t1"


def test_files_without_a_manifest_are_no_dataset(store: Store) -> None:
    """What a killed run has moved can't be read as complete."""
    with pytest.raises(NotFound, match=r"manifest\.json"):
        load_manifest(store, format_dataset_uri(store, "0" * 64))


@pytest.mark.parametrize("damage", [b"changed", None])
def test_a_damaged_file_is_named(store: Store, tmp_path: Path, damage: bytes | None) -> None:
    """A file with other bytes, or none, is told by its name."""
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
    """A manifest that can't be read, or lists something else than its hash says, is no manifest."""
    uri = format_dataset_uri(store, publish(store).hash)
    key = f"{uri.removeprefix(store.url)[1:]}/manifest.json"
    store.write(key, store.read(key).replace(old, new))
    with pytest.raises(DamagedArtefact, match=r"manifest\.json is damaged"):
        load_manifest(store, uri)


def test_a_dataset_of_another_store_is_refused(store: Store) -> None:
    """A reader looks into its own store only."""
    with pytest.raises(ConfigurationError, match="is not in the store"):
        load_manifest(store, "file:///elsewhere/datasets/abc")


def test_staging_keeps_what_is_young(store: Store) -> None:
    """What a run left long ago goes; another run's folder, and whatever isn't one, stays."""
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


def test_an_error_leaves_no_staging(store: Store) -> None:
    """A run that fails takes its folder along."""
    with pytest.raises(NotFound), dataset.create_staging_folder(store) as mine:
        _write_then_fail(store, mine)
    assert store.list_keys(dataset.STAGING) == []


def test_what_was_made_of_inputs_is_remembered(store: Store) -> None:
    """The same inputs find their manifest again, other inputs nothing."""
    manifest = publish(store)
    dataset.remember(store, "inputs", manifest)
    assert dataset.recall(store, "inputs") == manifest
    assert dataset.recall(store, "others") is None


def test_what_is_gone_or_unreadable_is_not_remembered(store: Store) -> None:
    """Without its dataset, or in a form that can't be read, a memory is none."""
    manifest = publish(store)
    dataset.remember(store, "inputs", manifest)
    store.delete(f"datasets/{manifest.hash}")
    assert dataset.recall(store, "inputs") is None
    store.write("datasets/inputs/inputs.json", b"{}")
    assert dataset.recall(store, "inputs") is None
