"""The embedded MLflow in a state folder that was moved, copied or restored: its database names files by their URLs."""

import sqlite3
from contextlib import closing
from pathlib import Path

from steps.common.errors import ConfigurationError

DATABASE = "mlflow.db"
ARTIFACTS = "mlruns"
_FIRST = "SELECT artifact_location FROM experiments WHERE artifact_location LIKE 'file:%/' || ? ORDER BY experiment_id"


def follow(state: Path, name: str = DATABASE) -> None:
    """Let the database of the state folder name its files where the folder is now, if it has moved since.

    Args:
        state: the folder.
        name: the name of the database there.

    Raises:
        ConfigurationError: the database can't be written.
    """
    path = state / name
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(path, timeout=30)) as database, database:
            if old := _find_old_place(database, state.as_uri()):
                _replace(database, old, state.as_uri())
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"The database {path} of MLflow can't be read or written: {error}.",
            advice="Check the owner of the folder, or use another folder (STATE=).",
        ) from None


def _find_old_place(database: sqlite3.Connection, present: str) -> str | None:
    """Return the URL of the folder that the database was made in, if it is another one."""
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
        return None
    row = database.execute(_FIRST, (ARTIFACTS,)).fetchone()
    old = str(row[0]).removesuffix(f"/{ARTIFACTS}") if row else present
    return old if old != present else None


def _replace(database: sqlite3.Connection, old: str, new: str) -> None:
    """Replace the beginning of every URL below the old folder, whatever the column."""
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    for table in tables:
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")').fetchall()]
        for column in columns:
            database.execute(
                f'UPDATE "{table}" SET "{column}" = ? || substr("{column}", ?) '  # noqa: S608 - the schema's names
                f'WHERE typeof("{column}") = \'text\' AND substr("{column}", 1, ?) = ?',
                (new, len(old) + 1, len(old) + 1, f"{old}/"),
            )
