"""The store in a folder."""

import os
from pathlib import Path

import pytest

from steps.common.errors import AccessRefused, StorageFull
from steps.common.settings import StoreSettings
from steps.common.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(StoreSettings(store_url=f"file://{tmp_path}"))


def test_a_local_object_is_used_in_place(store: Store, tmp_path: Path) -> None:
    """Nothing is copied."""
    store.write("a/one", b"1")
    assert store.ensure_local("a/one", tmp_path / "elsewhere") == tmp_path / "a" / "one"


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
