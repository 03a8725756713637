"""Bentos in an S3 bucket."""

from pathlib import Path

import pytest

from steps.common.errors import DamagedArtefact, NotFound
from steps.common.settings import StoreSettings, load
from steps.common.store import open_store
from steps.packaging import archive


@pytest.mark.usefixtures("bucket")
def test_a_bento_in_a_bucket_is_stored_verified_and_unpacked(tmp_path: Path) -> None:
    """A valid one is unpacked; a changed or missing one is refused."""
    (tmp_path / "bento").mkdir()
    (tmp_path / "bento" / "bento.yaml").write_text("name: pr-sentinel")
    archive.pack(tmp_path / "bento", tmp_path / "packed.bento")
    store, key = open_store(load(StoreSettings)), archive.build_key(3, tmp_path / "packed.bento")
    assert not archive.is_whole(store, key)
    with pytest.raises(NotFound, match=key):
        archive.unpack(store, key, tmp_path / "here")
    for _ in range(2):
        store.upload(key, tmp_path / "packed.bento")
    assert store.list_keys(archive.FOLDER) == [key]
    assert archive.is_whole(store, key)
    assert (archive.unpack(store, key, tmp_path / "here") / "bento.yaml").read_text() == "name: pr-sentinel"
    store.write(key, store.read(key)[:-1])
    assert not archive.is_whole(store, key)
    with pytest.raises(DamagedArtefact, match="differs from its name"):
        archive.unpack(store, key, tmp_path / "there")
