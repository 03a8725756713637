"""A Bento as a file: the same content gives the same bytes, and only a whole one is unpacked."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from steps.common.errors import DamagedArtefact, NotFound
from steps.common.store import FolderStore
from steps.packaging import archive


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An empty store."""
    return FolderStore(tmp_path / "store")


def content(folder: Path) -> Path:
    """A folder with files in it."""
    (folder / "src" / "deep").mkdir(parents=True)
    (folder / "bento.yaml").write_text("name: pr-sentinel")
    (folder / "src" / "deep" / "code.py").write_text("x = 1")
    (folder / "run.sh").write_text("exit")
    (folder / "run.sh").chmod(0o755)
    return folder


def store_bento(store: FolderStore, tmp_path: Path, name: str = "one") -> str:
    """Pack and store a Bento; its key."""
    path = tmp_path / f"{name}.bento"
    archive.pack(content(tmp_path / name), path)
    key = archive.build_key(3, path)
    store.upload(key, path)
    return key


def craft_archive(store: FolderStore, tmp_path: Path, member: tarfile.TarInfo) -> str:
    """Store an archive with one member that somebody made by hand, under its right hash."""
    path = tmp_path / "crafted.bento"
    with tarfile.open(path, "w:xz") as packed:
        packed.addfile(member, io.BytesIO(b"x" * member.size))
    key = archive.build_key(3, path)
    store.upload(key, path)
    return key


def link(name: str, kind: bytes) -> tarfile.TarInfo:
    """A member that points elsewhere."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    return member


def named(name: str) -> tarfile.TarInfo:
    """A file of this name."""
    member = tarfile.TarInfo(name)
    member.size = 1
    return member


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whoever packs it, wherever and whenever."""
    folders = [content(tmp_path / name) for name in ("one", "two")]
    os.utime(folders[1] / "bento.yaml", (1, 1))
    (folders[1] / "src" / "deep" / "code.py").chmod(0o600)
    paths = [tmp_path / f"{number}.bento" for number in range(2)]
    for folder, path in zip(folders, paths, strict=True):
        archive.pack(folder, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_other_content_gets_another_key(store: FolderStore, tmp_path: Path) -> None:
    """The place is the content's hash."""
    first = store_bento(store, tmp_path)
    (tmp_path / "one" / "bento.yaml").write_text("name: other")
    archive.pack(tmp_path / "one", tmp_path / "other.bento")
    assert archive.build_key(3, tmp_path / "other.bento") != first
    assert archive.KEY.fullmatch(first)


def test_unpacking_restores_what_was_packed(store: FolderStore, tmp_path: Path) -> None:
    """Names, content, and what may be run."""
    folder = archive.unpack(store, store_bento(store, tmp_path), tmp_path / "here")
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert set(found) == {"bento.yaml", "run.sh", "src/deep/code.py"}
    assert found["src/deep/code.py"].read_text() == "x = 1"
    assert os.access(found["run.sh"], os.X_OK)
    assert not os.access(found["bento.yaml"], os.X_OK)


def test_a_bento_is_fetched_once(store: FolderStore, tmp_path: Path) -> None:
    """The second time the store isn't asked."""
    key = store_bento(store, tmp_path)
    first = archive.unpack(store, key, tmp_path / "here")
    store.delete("bentos")
    assert archive.unpack(store, key, tmp_path / "here") == first
    assert [path.name for path in (tmp_path / "here").iterdir()] == [archive.parse_hash(key)]


def change_byte(folder: Path) -> None:
    """Change one byte of the code."""
    (folder / "src" / "deep" / "code.py").write_text("x = 2")


def add_file(folder: Path) -> None:
    """Add bytecode, which Python would run instead of the code."""
    (folder / "src" / "__pycache__").mkdir()
    (folder / "src" / "__pycache__" / "code.pyc").write_bytes(b"x")


def remove_file(folder: Path) -> None:
    """Remove a file."""
    (folder / "bento.yaml").unlink()


def replace_by_link(folder: Path) -> None:
    """Put a link to the same content in the place of a file."""
    (folder.parent / "elsewhere").write_bytes((folder / "bento.yaml").read_bytes())
    (folder / "bento.yaml").unlink()
    (folder / "bento.yaml").symlink_to(folder.parent / "elsewhere")


def make_executable(folder: Path) -> None:
    """Make a file executable."""
    (folder / "bento.yaml").chmod(0o755)


@pytest.mark.parametrize("change", [change_byte, add_file, remove_file, replace_by_link, make_executable])
def test_what_was_changed_after_unpacking_is_not_used(
    store: FolderStore, tmp_path: Path, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """It is unpacked again from the store, whose archive has the hash in the registry; without the store, never."""
    key = store_bento(store, tmp_path)
    folder = archive.unpack(store, key, tmp_path / "here")
    change(folder)
    assert archive.unpack(store, key, tmp_path / "here") == folder
    assert "was changed" in caplog.text
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        "bento.yaml",
        "run.sh",
        "src/deep/code.py",
    }
    assert (folder / "src" / "deep" / "code.py").read_text() == "x = 1"
    assert not os.access(folder / "bento.yaml", os.X_OK)
    change_byte(folder)
    store.delete("bentos")
    with pytest.raises(NotFound):
        archive.unpack(store, key, tmp_path / "here")


@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_changed_byte_is_refused(store: FolderStore, tmp_path: Path, place: int) -> None:
    """And nothing of it is left."""
    key = store_bento(store, tmp_path)
    changed = bytearray(store.read(key))
    changed[place] ^= 1
    store.write(key, bytes(changed))
    assert not archive.is_whole(store, key)
    with pytest.raises(DamagedArtefact, match="differs from its name") as refusal:
        archive.unpack(store, key, tmp_path / "here")
    assert "register rebuilds" in refusal.value.advice
    assert list((tmp_path / "here").iterdir()) == []


def test_a_missing_bento_is_named(store: FolderStore, tmp_path: Path) -> None:
    """With the command that rebuilds it."""
    key = store_bento(store, tmp_path)
    assert archive.is_whole(store, key)
    store.delete("bentos")
    assert not archive.is_whole(store, key)
    with pytest.raises(NotFound, match=key):
        archive.unpack(store, key, tmp_path / "here")


@pytest.mark.parametrize(
    "member",
    [
        named("../outside"),
        named("./src/../../outside"),
        named("/outside"),
        link("src", tarfile.SYMTYPE),
        link("src", tarfile.LNKTYPE),
        link("pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member.name} {member.type!r}",
)
def test_unsafe_members_are_refused(store: FolderStore, tmp_path: Path, member: tarfile.TarInfo) -> None:
    """No way up, no absolute name, no link, no device, even under the right hash."""
    key = craft_archive(store, tmp_path, member)
    with pytest.raises(DamagedArtefact, match=r"holds"):
        archive.unpack(store, key, tmp_path / "here")
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize("key", ["", "bentos/3/../../x.bento", "bentos/x/" + "0" * 64 + ".bento", "../bentos"])
def test_an_invalid_key_is_refused(store: FolderStore, tmp_path: Path, key: str) -> None:
    """It names a file on this machine's disk."""
    with pytest.raises(DamagedArtefact, match="not the key of a Bento"):
        archive.unpack(store, key, tmp_path / "here")
