"""The store as a folder."""

import os
from pathlib import Path

import pytest

from steps.common.errors import AccessRefused, NotFound, StorageFull
from steps.common.settings import StoreSettings
from steps.common.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(StoreSettings(store_url=f"file://{tmp_path}"))


def test_what_is_written_is_read(store: Store) -> None:
    """An object's bytes come back whole, and its key is listed below its prefix only."""
    store.write("a/b/one", b"1")
    store.write("ab/two", b"2")
    assert (store.read("a/b/one"), store.list_keys("a"), store.exists("a/b")) == (b"1", ["a/b/one"], False)


def test_an_upload_replaces_what_was_there(store: Store, tmp_path: Path) -> None:
    """A file of several pieces takes the place of an older object."""
    content = os.urandom(3 << 20)
    (tmp_path / "source").write_bytes(content)
    store.write("a/one", b"old")
    store.upload("a/one", tmp_path / "source")
    assert store.read("a/one") == content


def test_a_move_leaves_nothing_behind(store: Store) -> None:
    """A moved object has its new key only, and replaces what had it."""
    store.write("from/one", b"new")
    store.write("to/one", b"old")
    store.move("from/one", "to/one")
    assert (store.list_keys("from"), store.read("to/one")) == ([], b"new")


def test_a_local_object_is_used_in_place(store: Store, tmp_path: Path) -> None:
    """Nothing is copied where the store is a folder already."""
    store.write("a/one", b"1")
    assert store.ensure_local("a/one", tmp_path / "elsewhere") == tmp_path / "a" / "one"


def test_deleting_twice_is_fine(store: Store) -> None:
    """Nothing below a prefix is no error."""
    store.write("a/b", b"1")
    store.delete("a")
    store.delete("a")
    assert store.list_keys("a") == []


def test_what_is_not_there_is_named(store: Store, tmp_path: Path) -> None:
    """Reading a missing object names it and the store."""
    with pytest.raises(NotFound, match="a/none in the store file://"):
        store.read("a/none")
    with pytest.raises(NotFound, match="a/none in the store file://"):
        store.ensure_local("a/none", tmp_path)


def test_a_full_disk_is_named_and_leaves_nothing_half_written(megabyte: Path) -> None:
    """A write that does not fit says which store is full, and the object isn't there afterwards."""
    store = open_store(StoreSettings(store_url=f"file://{megabyte}"))
    with pytest.raises(StorageFull, match=f"file://{megabyte} is full"):
        store.write("a/large", bytes(2 << 20))
    assert store.list_keys("a") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """A folder without the right to write says so."""
    tmp_path.chmod(0o500)
    with pytest.raises(AccessRefused, match="is not writable"):
        open_store(StoreSettings(store_url=f"file://{tmp_path}")).write("one", b"1")
