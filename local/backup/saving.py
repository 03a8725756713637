"""The `backup` command: copies MongoDB, the registry and the store to a folder, while they are in use."""

import time
import tomllib
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import decimal

from local.backup import documents, files, manifest, objects, places, registry
from local.backup.manifest import BackupManifest, SavedCollection, SavedFile, SavedRegistry
from local.backup.part import BackupPart
from local.backup.places import Places
from local.backup.progress import track
from local.services import embedded
from steps.common.errors import ConfigurationError, NotFound
from steps.common.mongo import open_database


def run(folder: Path, parts: Collection[BackupPart], state: Path, console: Console) -> None:
    """Write a backup; it replaces an earlier one in the same folder once it is complete and verified.

    Parts are copied in the order of `BackupPart`, so that whatever a copy refers to is copied after it, and is there.

    Args:
        folder: the folder of the backup.
        parts: the parts to copy.
        state: the folder of this machine's services and runs.
        console: where to print.

    Raises:
        NotFound: there is nothing to back up.
        ConfigurationError: the folder has something else in it, or can't be written; a part of the earlier backup would
            be lost; or everything but the registry was copied, as MLflow is a server.
        Unavailable: MongoDB or the store does not respond.
        StorageFull: there is no space left.
    """
    folder, began = folder.resolve(), time.monotonic()
    with files.lock(folder):
        files.check_place(folder, state)
        earlier = manifest.load(folder) if (folder / manifest.FILE).exists() else None
        with embedded.data_services(state) as settings, files.replace(folder) as new:
            found = places.find(settings)
            held = _copy(found, new, parts, earlier, folder, console)
            _check_losses(held, earlier, folder)
            for part in track(held.list_parts(), "Verifying", console):
                files.verify(new, held, part)
            for name, content in manifest.dump(held).items():
                files.write(new / name, [content])
    for part in held.list_parts():
        count = f"{held.count_entries(part):,} {places.UNITS[part]}"
        console.print(f"{part}: {count}, {decimal(held.measure(part))}.", markup=False)
    console.print(f"Backed up to {folder} in {time.monotonic() - began:.1f} s.", markup=False, soft_wrap=True)
    if BackupPart.REGISTRY in parts and found.registry and not held.registry:
        console.print(f"{BackupPart.REGISTRY}: no run is recorded yet.", markup=False)
    if BackupPart.REGISTRY in parts and not found.registry:
        raise places.build_server_error("not in this backup")


def _copy(
    found: Places,
    new: Path,
    parts: Collection[BackupPart],
    earlier: BackupManifest | None,
    folder: Path,
    console: Console,
) -> BackupManifest:
    project = tomllib.loads((embedded.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    held: dict[str, Any] = {
        "mongodb": _copy_documents(found, new, console) if BackupPart.MONGODB in parts else None,
        "registry": None,
        "store": None,
    }
    if BackupPart.REGISTRY in parts and found.registry:
        held["registry"] = _copy_registry(found, found.registry, new, earlier, folder, console)
    if BackupPart.STORE in parts:
        known = (earlier.store if earlier else None) or {}
        keys = track(objects.list_keys(found.store), "Copying the store", console)
        held["store"] = objects.copy(found.store, keys, new / manifest.STORE, known, folder / manifest.STORE)
    return BackupManifest(
        format=1,
        created_at=datetime.now(UTC),
        version=project["version"],
        git_commit=embedded.git_commit(),
        **held,
    )


def _copy_documents(found: Places, new: Path, console: Console) -> dict[str, SavedCollection]:
    with open_database(found.mongodb) as database:
        names = documents.list_names(database)
        return {name: documents.dump(database, name, new, console) for name in names}


def _copy_registry(
    found: Places, path: Path, new: Path, earlier: BackupManifest | None, folder: Path, console: Console
) -> SavedRegistry | None:
    """Copy the database, then the files that it refers to; None if there is no registry yet."""
    if not path.exists():
        return None
    target = new / manifest.DATABASE
    registry.copy(path, target)
    artefacts: dict[str, SavedFile] = {}
    if found.artefacts:
        known = earlier.registry.artefacts if earlier and earlier.registry else {}
        keys = track(objects.list_keys(found.artefacts), "Copying files of runs", console)
        artefacts = objects.copy(found.artefacts, keys, new / manifest.ARTEFACTS, known, folder / manifest.ARTEFACTS)
    counts = registry.count(target)
    return SavedRegistry(
        database=files.describe(target), runs=counts.runs, versions=counts.versions, artefacts=artefacts
    )


def _check_losses(held: BackupManifest, earlier: BackupManifest | None, folder: Path) -> None:
    """Keep an earlier backup from being replaced by one of an installation that has lost a part.

    Raises:
        NotFound: there is nothing at all.
        ConfigurationError: a part has nothing where the earlier backup has something.
    """
    if not any(held.count_entries(part) for part in BackupPart) and earlier is None:
        raise NotFound("There is nothing to back up.", advice="Check the settings, and --state.")
    for part in earlier.list_parts() if earlier else ():
        if earlier and earlier.count_entries(part) and not held.count_entries(part):
            raise ConfigurationError(
                f"The backup in {folder} has {earlier.count_entries(part):,} {places.UNITS[part]} of {part}; "
                "this one would have none.",
                advice="Restore it if they are lost, or choose another folder.",
            )
