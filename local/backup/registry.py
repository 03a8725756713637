"""The registry's database, where it is a file of SQLite: to the backup and back, by SQLite's own online backup."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from local.backup.files import PRIVATE
from steps.common.errors import ConfigurationError, DamagedArtefact, StorageFull, mentions_storage_full

TIMEOUT_SECONDS = 30


class Counts(NamedTuple):
    """What a database of MLflow holds."""

    runs: int
    versions: int


def find_database(uri: str) -> Path | None:
    """Return the file of the database at a tracking URI; None if MLflow is a server there."""
    if not uri.startswith("sqlite"):
        return None
    from sqlalchemy.engine import make_url

    return Path(make_url(uri).database or "").absolute()


def count(path: Path) -> Counts:
    """Count runs and versions; a database that is missing, or that MLflow has not set up, has none.

    Raises:
        ConfigurationError: the file can't be read, or is not a database.
    """
    if not path.exists():
        return Counts(0, 0)
    with _translate_errors(path), closing(_connect(path)) as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"runs", "model_versions"} <= names:
            return Counts(0, 0)
        runs = database.execute("SELECT count(*) FROM runs").fetchone()[0]
        return Counts(runs, database.execute("SELECT count(*) FROM model_versions").fetchone()[0])


def copy(source: Path, target: Path) -> None:
    """Copy a database, which may be in use, to a file of its owner alone; or over one that is there, all or nothing.

    Raises:
        ConfigurationError: a file can't be read or written, or is not a database.
        DamagedArtefact: SQLite finds the copy damaged.
        StorageFull: there is no space left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(target, os.O_CREAT, PRIVATE))
    with (
        _translate_errors(target),
        closing(_connect(source)) as original,
        closing(_connect(target)) as database,
    ):
        original.backup(database)
        if (found := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise DamagedArtefact(f"{source} is damaged: {found}.", advice="Restore it from an earlier backup.")


@contextmanager
def prepare(source: Path, target: Path, adapt: Callable[[Path], None]) -> Iterator[bool]:
    """Prepare a database of the backup beside its target; it replaces this at the end of the block.

    Args:
        source: the database in the backup.
        target: the file to restore; one without runs and versions is replaced.
        adapt: changes what has to be changed in this place.

    Yields:
        Whether the target is missing; if not, it equals the backup, and stays.

    Raises:
        ConfigurationError: the target holds something else.
    """
    staged = target.with_name(f".{target.name}.restored")
    staged.unlink(missing_ok=True)
    try:
        copy(source, staged)
        adapt(staged)
        is_missing = not any(count(target))
        if not is_missing and not _is_equal(staged, target):
            raise ConfigurationError(
                f"{target} has other runs or models than the backup; nothing was restored.",
                advice="Move it away, name another database (MLFLOW_URI), or restore only what is lost, with --only.",
            )
        yield is_missing
        if is_missing:
            copy(staged, target)
    finally:
        staged.unlink(missing_ok=True)


def _is_equal(one: Path, other: Path) -> bool:
    with _translate_errors(other), closing(_connect(one)) as first, closing(_connect(other)) as second:
        return all(mine == theirs for mine, theirs in zip_longest(first.iterdump(), second.iterdump()))


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=TIMEOUT_SECONDS)


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if mentions_storage_full(str(error)):
            raise StorageFull(f"There is no space left for {path}.", advice="Free some space.") from None
        raise ConfigurationError(
            f"The database {path} can't be read or written: {error}.",
            advice="Check MLFLOW_URI, and the owner of the file.",
        ) from None
