"""A Bento as one file: packed so that the same content gives the same bytes, unpacked only if it is whole."""

import hashlib
import re
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from steps.common.dataset import hash_file
from steps.common.errors import DamagedArtefact, NotFound
from steps.common.store import Store

FOLDER = "bentos"
BENTO_TAG = "bento"
"""Tag of a version: its Bento, `pr-sentinel:<version>-<first digits of the hash of all that is in it>`."""
KEY_TAG = "bento_key"
"""Tag of a version: where its Bento is in the store."""
KEY = re.compile(rf"{FOLDER}/\d+/([0-9a-f]{{64}})\.bento")
AGAIN = "Run the pipeline again: register makes the Bento that is missing or damaged anew."


def pack(folder: Path, path: Path) -> None:
    """Write a folder as the archive that `bentoml import` reads; owners and times don't enter it."""
    with tarfile.open(path, "w:xz", format=tarfile.PAX_FORMAT) as archive:
        for member in sorted(folder.rglob("*")):
            archive.add(member, f"./{member.relative_to(folder).as_posix()}", recursive=False, filter=_plain)


def key(version: str | int, path: Path) -> str:
    """Where the archive of a version stands in the store: its own hash is its name."""
    return f"{FOLDER}/{version}/{hash_file(path)}.bento"


def is_whole(store: Store, key: str) -> bool:
    """Whether the archive is there and has the hash that its name says."""
    digest = hashlib.sha256()
    try:
        for chunk in store.iter_chunks(key):
            digest.update(chunk)
    except NotFound:
        return False
    return digest.hexdigest() == named(key)


def named(key: str) -> str:
    """The hash that a key says.

    Raises:
        DamagedArtefact: it is no key of a Bento.
    """
    match = KEY.fullmatch(key)
    if not match:
        raise DamagedArtefact(f"{key!r} is no Bento's place in the store.", advice=AGAIN)
    return match[1]


def unpacked(store: Store, key: str, folder: Path) -> Path:
    """The Bento in a folder of its own below this one, where it is fetched and unpacked unless it is there already.

    Raises:
        NotFound: the store has no such archive.
        DamagedArtefact: the archive has another hash than its name, or holds something that no Bento does.
    """
    target = folder / named(key)
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
        fetched, bento = Path(scratch, "fetched"), Path(scratch, "bento")
        _fetch(store, key, fetched)
        _unpack(fetched, key, bento)
        try:
            bento.rename(target)
        except OSError:
            if not target.is_dir():  # another was quicker
                raise
    return target


def _fetch(store: Store, key: str, path: Path) -> None:
    try:
        with path.open("wb") as file:
            file.writelines(store.iter_chunks(key))
    except NotFound:
        raise NotFound(f"The store {store.url} lacks the Bento {key}.", advice=AGAIN) from None
    if hash_file(path) != named(key):
        raise DamagedArtefact(f"The Bento {key} in {store.url} has another hash than its name says.", advice=AGAIN)


def _unpack(path: Path, key: str, folder: Path) -> None:
    """Write out files and folders; links, devices and ways out of the folder are in no Bento of ours."""
    with tarfile.open(path, "r:xz") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            content = archive.extractfile(member) if member.isfile() else None
            if name.is_absolute() or ".." in name.parts or not (content or member.isdir()):
                raise DamagedArtefact(f"The Bento {key} holds {member.name!r}.", advice=AGAIN)
            target = folder / name
            (target.parent if content else target).mkdir(parents=True, exist_ok=True)
            if content:
                with target.open("xb") as file:
                    shutil.copyfileobj(content, file)
                target.chmod(member.mode & 0o755)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member
