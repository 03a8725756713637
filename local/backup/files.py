"""Files of a backup: for their owner alone, on disk before they count, and complete before they have their name."""

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.backup import manifest
from local.backup.manifest import BackupManifest, SavedFile
from local.backup.part import BackupPart
from steps.common.command_line import OWNER_ONLY
from steps.common.dataset import hash_file
from steps.common.errors import ConfigurationError, DamagedArtefact, find_storage_full

PRIVATE = 0o600


def write(path: Path, chunks: Iterable[bytes]) -> SavedFile:
    """Write a new file; returns its size and hash."""
    digest, size = hashlib.sha256(), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, PRIVATE)) as file:
        for chunk in chunks:
            digest.update(chunk)
            size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return SavedFile(size=size, sha256=digest.hexdigest())


def describe(path: Path) -> SavedFile:
    """Return the size and hash of a file that was written by somebody else."""
    return SavedFile(size=path.stat().st_size, sha256=hash_file(path))


def verify(folder: Path, held: BackupManifest, part: BackupPart) -> None:
    """Check that all files of a part are what the manifest lists.

    Raises:
        DamagedArtefact: a file is missing, is another one, or is a link to somewhere else.
    """
    top = folder.resolve()
    for name, expected in held.iterate_files(part):
        path = top / name
        try:
            is_own = path.resolve() == path and stat.S_ISREG(path.lstat().st_mode)
            is_same = is_own and path.stat().st_size == expected.size and hash_file(path) == expected.sha256
        except FileNotFoundError:
            raise _build_damage(name, folder, "is missing in") from None
        if not is_same:
            raise _build_damage(name, folder, "was changed in")


def check_place(folder: Path, state: Path) -> None:
    """Check that a backup may be written to a folder.

    Raises:
        ConfigurationError: the folder has something else in it, or is lost together with the state folder.
    """
    if folder.is_relative_to(state) or state.is_relative_to(folder):
        raise ConfigurationError(
            f"A backup in {folder} would be lost together with {state}.", advice="Choose a folder somewhere else."
        )
    if folder.exists() and not (folder / manifest.FILE).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise ConfigurationError(
            f"{folder} exists, but is not a backup.", advice="Choose another folder, or one that is empty or missing."
        )


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep other backups and restores of the folder waiting; one that was killed while it took its name is put back.

    Raises:
        ConfigurationError: the folder above can't be used.
        StorageFull: there is no space left.
    """
    try:
        above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(above, fcntl.LOCK_EX)
            if (previous := _name_previous(folder)).exists() and not folder.exists():
                previous.rename(folder)
            yield
        finally:
            os.close(above)
    except OSError as error:
        if find_storage_full(error):
            raise
        raise ConfigurationError(
            f"The backup {folder} can't be read or written: {error.strerror or error}.",
            advice="Choose another folder, or check its owner and the owner of the folder above.",
        ) from None


@contextmanager
def replace(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside the backup, which gets its name, and replaces it, at the end of the block."""
    partial, previous = folder.with_name(f".{folder.name}.partial"), _name_previous(folder)
    for old in (partial, previous):
        if old.exists():
            shutil.rmtree(old)
    partial.mkdir(mode=OWNER_ONLY)
    try:
        yield partial
        if folder.exists():
            folder.rename(previous)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(previous, ignore_errors=True)


def _name_previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def _build_damage(name: str, folder: Path, what: str) -> DamagedArtefact:
    return DamagedArtefact(f"{name!a} {what} the backup {folder}.", advice="Use another backup; nothing was restored.")
