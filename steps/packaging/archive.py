"""Bento archives: packed reproducibly, unpacked only after verification."""

import logging
import re
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from steps.common.dataset import hash_file
from steps.common.errors import DamagedArtefact, NotFound
from steps.common.store import Store, hash_object

logger = logging.getLogger(__name__)
FOLDER = "bentos"
ENTRY_POINTS = ("steps.serve.service", "steps.serve.bento_worker")
"""Entry points of a Bento: BentoML's service, and the worker of the image."""
BENTO_TAG = "bento"
"""Tag of a version: its Bento, `pr-sentinel:<version>-<first digits of the hash of its content>`."""
KEY_TAG = "bento_key"
"""Tag of a version: the key of its Bento in the store."""
KEY = re.compile(rf"{FOLDER}/\d+/([0-9a-f]{{64}})\.bento")
AGAIN = "Run the pipeline again: register rebuilds a missing or damaged Bento."


def pack(folder: Path, path: Path) -> None:
    """Pack a folder into an archive that `bentoml import` reads, without owners and times."""
    with tarfile.open(path, "w:xz", format=tarfile.PAX_FORMAT) as archive:
        for member in sorted(folder.rglob("*")):
            archive.add(member, f"./{member.relative_to(folder).as_posix()}", recursive=False, filter=_normalise)


def build_key(version: str | int, path: Path) -> str:
    """Build the store key of a version's archive, which is named by its hash."""
    return f"{FOLDER}/{version}/{hash_file(path)}.bento"


def is_whole(store: Store, key: str) -> bool:
    """Return True if the archive exists and has the hash in its name."""
    try:
        return hash_object(store, key) == parse_hash(key)
    except NotFound:
        return False


def parse_hash(key: str) -> str:
    """Return the hash in a key.

    Raises:
        DamagedArtefact: it is not the key of a Bento.
    """
    match = KEY.fullmatch(key)
    if not match:
        raise DamagedArtefact(f"{key!r} is not the key of a Bento in the store.", advice=AGAIN)
    return match[1]


def unpack(store: Store, key: str, folder: Path) -> Path:
    """Fetch and unpack a Bento into a folder of its own below this one; return its folder.

    What was unpacked before is used if packing it again gives the hash in its name, and replaced if not.

    Raises:
        NotFound: the store has no such archive.
        DamagedArtefact: its hash differs from its name, or it holds an unsafe member.
    """
    target = folder / parse_hash(key)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
        fetched, bento, replaced = Path(scratch, "fetched"), Path(scratch, "bento"), Path(scratch, "replaced")
        if target.is_dir():
            if _is_unchanged(target, key, Path(scratch, "packed")):
                return target
            logger.warning("an unpacked Bento was changed; it is unpacked again", extra={"folder": str(target)})
        _fetch(store, key, fetched)
        _extract(fetched, key, bento)
        if target.exists():
            target.rename(replaced)
        try:
            bento.rename(target)
        except OSError:
            if not target.is_dir():  # another process was faster
                raise
    return target


def _is_unchanged(folder: Path, key: str, scratch: Path) -> bool:
    """Return True if an unpacked Bento has the hash of its archive; links and devices count as changes."""
    if any(path.is_symlink() or not (path.is_file() or path.is_dir()) for path in folder.rglob("*")):
        return False
    pack(folder, scratch)
    return hash_file(scratch) == parse_hash(key)


def _fetch(store: Store, key: str, path: Path) -> None:
    try:
        with path.open("wb") as file:
            file.writelines(store.iter_chunks(key))
    except NotFound:
        raise NotFound(f"The store {store.url} has no Bento {key}.", advice=AGAIN) from None
    if hash_file(path) != parse_hash(key):
        raise DamagedArtefact(f"The hash of the Bento {key} in {store.url} differs from its name.", advice=AGAIN)


def _extract(path: Path, key: str, folder: Path) -> None:
    """Extract files and folders; refuse links, devices and paths that lead out of the folder."""
    with tarfile.open(path, "r:xz") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            content = archive.extractfile(member) if member.isfile() else None
            if name.is_absolute() or ".." in name.parts or not (content or member.isdir()):
                raise DamagedArtefact(f"The Bento {key} holds an unsafe member, {member.name!r}.", advice=AGAIN)
            target = folder / name
            (target.parent if content else target).mkdir(parents=True, exist_ok=True)
            if content:
                with target.open("xb") as file:
                    shutil.copyfileobj(content, file)
                target.chmod(member.mode & 0o755)


def _normalise(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member
