"""The store in a folder."""

import os
from pathlib import Path

import pytest

from steps.common.errors import AccessRefused, NotFound, StorageFull
from steps.common.settings import StoreSettings
from steps.common.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(StoreSettings(store_url=f"file://{tmp_path}"))


def test_a_written_object_is_read_back(store: Store) -> None:
    """Its key is listed below its prefix only."""
    store.write("a/b/one", b"1")
    store.write("ab/two", b"2")
    assert (store.read("a/b/one"), store.list_keys("a"), store.exists("a/b")) == (b"1", ["a/b/one"], False)


def test_an_upload_replaces_an_older_object(store: Store, tmp_path: Path) -> None:
    """Also a file of several chunks."""
    content = os.urandom(3 << 20)
    (tmp_path / "source").write_bytes(content)
    store.write("a/one", b"old")
    store.upload("a/one", tmp_path / "source")
    assert store.read("a/one") == content


def test_a_move_leaves_nothing_behind(store: Store) -> None:
    """It replaces an object that had the new key."""
    store.write("from/one", b"new")
    store.write("to/one", b"old")
    store.move("from/one", "to/one")
    assert (store.list_keys("from"), store.read("to/one")) == ([], b"new")


def test_a_local_object_is_used_in_place(store: Store, tmp_path: Path) -> None:
    """Nothing is copied."""
    store.write("a/one", b"1")
    assert store.ensure_local("a/one", tmp_path / "elsewhere") == tmp_path / "a" / "one"


def test_deleting_twice_is_no_error(store: Store) -> None:
    """There may be nothing below a prefix."""
    store.write("a/b", b"1")
    store.delete("a")
    store.delete("a")
    assert store.list_keys("a") == []


def test_a_missing_object_is_named(store: Store, tmp_path: Path) -> None:
    """The error names the key and the store."""
    with pytest.raises(NotFound, match="a/none in the store file://"):
        store.read("a/none")
    with pytest.raises(NotFound, match="a/none in the store file://"):
        store.ensure_local("a/none", tmp_path)


def test_a_full_disk_is_named_and_leaves_no_partial_object(megabyte: Path) -> None:
    """The error names the store."""
    store = open_store(StoreSettings(store_url=f"file://{megabyte}"))
    with pytest.raises(StorageFull, match=f"file://{megabyte} is full"):
        store.write("a/large", bytes(2 << 20))
    assert store.list_keys("a") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write anywhere")
def test_a_folder_that_is_not_writable_is_refused(tmp_path: Path) -> None:
    """The error names the reason."""
    tmp_path.chmod(0o500)
    with pytest.raises(AccessRefused, match="is not writable"):
        open_store(StoreSettings(store_url=f"file://{tmp_path}")).write("one", b"1")
