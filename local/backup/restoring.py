"""The `restore` command: brings back what is lost, and overwrites nothing."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pymongo.database import Database
from rich.console import Console
from rich.filesize import decimal

from local.backup import documents, files, manifest, objects, places, registry
from local.backup.manifest import BackupManifest
from local.backup.part import BackupPart
from local.backup.places import Places
from local.backup.progress import track
from local.services import embedded, relocation
from local.services.server import exclusive_run
from steps.common.errors import ConfigurationError, NotFound
from steps.common.mongo import Document, open_database
from steps.common.store import Store


class Missing(NamedTuple):
    """What the installation lacks of a backup."""

    documents: dict[str, int]
    is_registry: bool
    artefacts: list[str]
    objects: list[str]


def run(folder: Path, parts: Sequence[BackupPart], state: Path, console: Console) -> None:
    """Restore a backup; everything is checked before anything is written, and what is there stays.

    A restore that was interrupted goes on where it stopped.

    Args:
        folder: the folder of the backup.
        parts: the parts to restore, as far as the backup has them.
        state: the folder of this machine's services and runs.
        console: where to print.

    Raises:
        NotFound: there is no backup, or it has none of the parts.
        DamagedArtefact: the backup was changed.
        ConfigurationError: a part has something that the backup lacks or has otherwise.
        Unavailable: a run is using the state folder, or MongoDB or the store does not respond.
    """
    folder, began = folder.resolve(), time.monotonic()
    with exclusive_run(state), files.lock(folder):
        held = manifest.load(folder)
        chosen = _choose(held, parts, folder, console)
        for part in track(chosen, "Verifying the backup", console):
            files.verify(folder, held, part)
        with embedded.data_services(state) as settings:
            found = places.find(settings)
            with (
                open_database(found.mongodb) as database,
                _compare(found, database, folder, held, chosen, state) as missing,
            ):
                _write(found, database, folder, held, missing, console)
    counts = {
        BackupPart.MONGODB: sum(missing.documents.values()),
        BackupPart.REGISTRY: held.count_entries(BackupPart.REGISTRY) if missing.is_registry else 0,
        BackupPart.STORE: len(missing.objects),
    }
    if missing.artefacts:
        console.print(f"{BackupPart.REGISTRY}: {len(missing.artefacts):,} files of runs were missing.", markup=False)
    for part in chosen:
        done = f"{counts[part]:,} of {held.count_entries(part):,} {places.UNITS[part]} were missing"
        console.print(f"{part}: {done}, {decimal(held.measure(part))} in the backup.", markup=False)
    what = f"the backup of {held.created_at:%Y-%m-%d %H:%M} UTC in {folder}"
    console.print(f"Restored {what} in {time.monotonic() - began:.1f} s.", markup=False, soft_wrap=True)


def _choose(held: BackupManifest, parts: Sequence[BackupPart], folder: Path, console: Console) -> list[BackupPart]:
    """Return the parts to restore; those that the backup lacks are named.

    Raises:
        NotFound: the backup has none of them.
    """
    present = held.list_parts()
    for part in parts:
        if part not in present:
            console.print(f"{part}: not in this backup.", markup=False)
    if not (chosen := [part for part in present if part in parts]):
        raise NotFound(f"The backup {folder} has none of these parts.", advice="Name others, or another backup.")
    return chosen


@contextmanager
def _compare(
    found: Places,
    database: Database[Document],
    folder: Path,
    held: BackupManifest,
    parts: Sequence[BackupPart],
    state: Path,
) -> Iterator[Missing]:
    """Yield what is missing; the registry's database gets its place at the end of the block.

    Raises:
        ConfigurationError: a part has something else.
    """
    collections = (held.mongodb or {}) if BackupPart.MONGODB in parts else {}
    if collections:
        documents.check_others(database, collections)
    missing = {name: documents.count_missing(database, folder, name, listed) for name, listed in collections.items()}
    stored = objects.find_missing(found.store, held.store or {}) if BackupPart.STORE in parts else []
    if BackupPart.REGISTRY not in parts or held.registry is None:
        yield Missing(missing, False, [], stored)
        return
    if found.registry is None:
        raise places.build_server_error("not restored")
    artefacts = objects.find_missing(_find_artefacts(found), held.registry.artefacts) if held.registry.artefacts else []
    with registry.prepare(folder / manifest.DATABASE, found.registry, lambda path: _adapt(path, state)) as is_missing:
        yield Missing(missing, is_missing, artefacts, stored)


def _write(
    found: Places, database: Database[Document], folder: Path, held: BackupManifest, missing: Missing, console: Console
) -> None:
    """Write what is missing, first what others refer to."""
    keys = track(missing.objects, "Restoring the store", console)
    objects.restore(found.store, keys, folder / manifest.STORE)
    if missing.artefacts:
        objects.restore(_find_artefacts(found), missing.artefacts, folder / manifest.ARTEFACTS)
    for name in missing.documents:
        documents.restore(database, folder, name, (held.mongodb or {})[name], console)


def _find_artefacts(found: Places) -> Store:
    if found.artefacts is None:
        raise ConfigurationError(
            "The backup has files of runs, and nothing says where they belong.",
            advice="Set MLFLOW_ARTIFACTS, such as file:///folder.",
        )
    return found.artefacts


def _adapt(path: Path, state: Path) -> None:
    """Let a database in the state folder name the files where they are now."""
    if path.parent == state:
        relocation.follow(state, path.name)
