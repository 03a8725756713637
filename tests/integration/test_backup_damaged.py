"""A backup that was changed, by accident or by somebody who knows how it is made, is refused before it is used."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest

from local.backup import manifest
from steps.common.store import FolderStore
from tests.support.backups import refuse, seal


@pytest.mark.slow
def test_a_changed_byte_anywhere_is_noticed(backup_copy: Path, tmp_path: Path) -> None:
    """Before anything is written."""
    for path in sorted(one for one in backup_copy.rglob("*") if one.is_file()):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if path.name != manifest.CHECKSUM else b"0" + content)
        told = refuse("restore", backup_copy, "--state", tmp_path / "state")
        assert "was changed in" in told or "its hash is another one" in told
        path.write_bytes(content)
    assert not (tmp_path / "state" / "store").exists()
    assert not (tmp_path / "state" / "mongo").exists()


def test_a_missing_object_is_named(backup_copy: Path, tmp_path: Path) -> None:
    """Whichever part it is of."""
    for name in (
        "mongodb/sync.bson.gz",
        "registry/mlflow.db",
        f"store/{FolderStore(backup_copy / 'store').list_keys('')[0]}",
    ):
        (backup_copy / name).rename(tmp_path / "away")
        assert f"'{name}' is missing in the backup" in refuse("restore", backup_copy, "--state", tmp_path / "state")
        (tmp_path / "away").rename(backup_copy / name)
    assert not (tmp_path / "state" / "store").exists()


@pytest.mark.parametrize("key", ["../outside", "/etc/outside", "a/../../outside", "a//b", "./a", "", "a\0b", "a" * 300])
@pytest.mark.parametrize("part", ["store", "artefacts"])
def test_keys_that_lead_elsewhere_are_refused(key: str, part: str, backup_copy: Path, tmp_path: Path) -> None:
    """Even where the hashes are right."""

    def change(listed: dict[str, Any]) -> None:
        files = listed["store"] if part == "store" else listed["registry"]["artefacts"]
        files[key] = next(iter(files.values()))

    seal(backup_copy, change)
    assert "The manifest of the backup" in refuse("restore", backup_copy, "--state", tmp_path / "state")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "state"]


def test_a_link_to_a_file_elsewhere_is_refused(backup_copy: Path, tmp_path: Path) -> None:
    """Though what it leads to has the right hash; the same for a folder."""
    key = FolderStore(backup_copy / "store").list_keys("")[0]
    (backup_copy / "store" / key).rename(tmp_path / "file")
    (backup_copy / "store" / key).symlink_to(tmp_path / "file")
    assert "was changed in" in refuse("restore", backup_copy, "--state", tmp_path / "state")
    (backup_copy / "store" / key).unlink()
    (tmp_path / "file").rename(backup_copy / "store" / key)
    (backup_copy / "store").rename(tmp_path / "folder")
    (backup_copy / "store").symlink_to(tmp_path / "folder")
    assert "was changed in" in refuse("restore", backup_copy, "--state", tmp_path / "state")


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xff\xff\x7f" + b"a" * 9, b"\x05\0\0\0\0" * 2, b"\x09\0\0\0abcd\1", b"\x05\0\0\0", b"no"]
)
def test_what_is_no_collection_is_refused(
    content: bytes, backup_copy: Path, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    """Of any length, and of documents without an id."""
    path = backup_copy / "mongodb" / "sync.bson.gz"
    path.write_bytes(gzip.compress(content))
    written = {"size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    seal(backup_copy, lambda listed: listed["mongodb"]["sync"].update(written))
    assert "'sync' in the backup is not valid" in refuse(
        "restore", backup_copy, "--state", tmp_path / "state", **elsewhere
    )


def test_a_backup_of_another_format_is_left_to_its_version(backup_copy: Path, tmp_path: Path) -> None:
    seal(backup_copy, lambda listed: listed.update(format=2, more={}))
    assert "a format that this version can't read" in refuse("restore", backup_copy, "--state", tmp_path / "state")
