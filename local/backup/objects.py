"""Objects of a store, and files of MLflow's runs: to a folder of the backup and back."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from local.backup import files
from local.backup.manifest import SavedFile, check_key
from steps.common.dataset import hash_file
from steps.common.errors import ConfigurationError, DataError, NotFound
from steps.common.store import Store, hash_object


def copy(
    store: Store, keys: Iterable[str], target: Path, earlier: Mapping[str, SavedFile], earlier_folder: Path
) -> dict[str, SavedFile]:
    """Copy objects; those that the earlier backup has in the same form are shared with it instead.

    Args:
        store: the store.
        keys: of the objects; one that vanishes meanwhile is left out.
        target: the folder to copy to.
        earlier: the objects of the earlier backup.
        earlier_folder: the folder with these.

    Raises:
        DataError: an object has a key that no file can have.
    """
    found: dict[str, SavedFile] = {}
    for key in keys:
        try:
            check_key(key)
        except ValueError as error:
            raise DataError(f"The store has {key!a}: {error}.", advice="Delete it, or give it another key.") from None
        with suppress(NotFound):
            known = earlier.get(key)
            if known and _link(store, key, known, earlier_folder / key, target / key):
                found[key] = known
            else:
                found[key] = files.write(target / key, store.iter_chunks(key))
    return found


def list_keys(store: Store) -> list[str]:
    """Return the keys of all objects; what is being written has a name that begins with a dot."""
    return [key for key in store.list_keys("") if not key.rpartition("/")[2].startswith(".")]


def find_missing(store: Store, listed: Mapping[str, SavedFile]) -> list[str]:
    """Return the keys of the backup that the store lacks.

    Raises:
        ConfigurationError: the store has another object under one of these keys.
    """
    present = set(store.list_keys(""))
    for key, file in listed.items():
        if key in present and hash_object(store, key) != file.sha256:
            raise ConfigurationError(
                f"{store.url} has another {key} than the backup; nothing was restored.",
                advice="Restore to an empty store (STORE_URL), or only what is lost, with --only.",
            )
    return [key for key in listed if key not in present]


def restore(store: Store, keys: Iterable[str], source: Path) -> None:
    """Write the objects from a folder of the backup."""
    for key in keys:
        store.upload(key, source / key)


def _link(store: Store, key: str, known: SavedFile, source: Path, target: Path) -> bool:
    """Share a file of the earlier backup, if it is whole and the object is still the same; returns whether it was."""
    if hash_object(store, key) != known.sha256 or not source.is_file() or hash_file(source) != known.sha256:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        return False
    return True
