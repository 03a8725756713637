"""What holds for each store: a folder, and a bucket of an S3-compatible server."""

import os
from pathlib import Path

import pytest

from steps.common.errors import NotFound
from steps.common.settings import StoreSettings, load
from steps.common.store import Store, open_store


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "s3":
        request.getfixturevalue("bucket")
    else:
        monkeypatch.setenv("STORE_URL", f"file://{tmp_path}/objects")
    return open_store(load(StoreSettings))


def test_a_written_object_is_read_back(store: Store) -> None:
    """Its key is listed below its prefix only."""
    store.write("a/b/one", b"1")
    store.write("ab/two", b"2")
    assert (store.read("a/b/one"), store.list_keys("a"), store.exists("a/b")) == (b"1", ["a/b/one"], False)


def test_an_uploaded_file_replaces_an_object_and_is_found_unchanged_after_a_move(store: Store, tmp_path: Path) -> None:
    """Also a file of several chunks."""
    content = os.urandom(3 << 20)
    (tmp_path / "source").write_bytes(content)
    store.write("from/one", b"old")
    store.upload("from/one", tmp_path / "source")
    assert store.read("from/one") == content
    store.move("from/one", "to/one")
    assert store.ensure_local("to/one", tmp_path / "copy").read_bytes() == content
    assert store.list_keys("from") == []


def test_a_move_leaves_nothing_behind(store: Store) -> None:
    """It replaces an object that had the new key."""
    store.write("from/one", b"new")
    store.write("to/one", b"old")
    store.move("from/one", "to/one")
    assert (store.list_keys("from"), store.read("to/one")) == ([], b"new")


def test_deleting_twice_is_no_error(store: Store) -> None:
    """There may be nothing below a prefix."""
    store.write("a/b", b"1")
    store.delete("a")
    store.delete("a")
    assert store.list_keys("a") == []


def test_a_missing_object_is_named(store: Store, tmp_path: Path) -> None:
    """The error names the key and the store."""
    for attempt in (lambda: store.read("a/none"), lambda: store.ensure_local("a/none", tmp_path / "none")):
        with pytest.raises(NotFound, match=f"a/none in the store {store.url}"):
            attempt()
