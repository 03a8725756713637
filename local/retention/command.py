"""The `retention` command: shows how long everything is kept, and what would go."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from local.retention import expired
from local.retention.expired import ExpiredThings
from local.services import embedded
from local.session import CHECKS
from steps.common.mongo import open_database
from steps.common.registry import Registry
from steps.common.settings import MongoSettings, StoreSettings, TrackingSettings
from steps.common.store import open_store
from steps.common.tracking import connect
from steps.monitor.reading import find_current_dataset


def run(state: Path, console: Console, names: bool) -> None:
    """Show what would go; nothing is deleted.

    Args:
        state: the folder of this machine's services and runs.
        console: where to print.
        names: whether to list each thing by its name.

    Raises:
        Unavailable: MongoDB, MLflow or the store does not respond.
    """
    found = collect(state)
    table = Table(title="What is older than it is kept", title_justify="left")
    for column in ("kind", "kept", "all", "would go"):
        table.add_column(column, justify="right" if column in {"all", "would go"} else "left")
    for one in found:
        count = one.expired if isinstance(one.expired, int) else len(one.expired)
        table.add_row(one.kind, one.kept, f"{one.total:,}", f"{count:,}")
    console.print(table)
    for one in found if names else ():
        for name in () if isinstance(one.expired, int) else one.expired:
            console.print(f"{one.kind}: {name}", markup=False, soft_wrap=True)
    console.print("Nothing was deleted.")


def collect(state: Path) -> list[ExpiredThings]:
    """Collect all kinds of things.

    Raises:
        Unavailable: MongoDB, MLflow or the store does not respond.
    """
    now = datetime.now(UTC)
    with embedded.data_services(state) as settings:
        mongo = MongoSettings(mongo_uri=SecretStr(settings["MONGO_URI"]), mongo_db=settings["MONGO_DB"])
        with open_database(mongo) as database:
            documents = list(expired.list_documents(database, now))
            current = find_current_dataset(database)
        with connect(TrackingSettings(mlflow_uri=settings["MLFLOW_URI"])) as client:
            registry = Registry(client)
            versions, champion = registry.list_versions(), registry.get_champion()
        store = open_store(StoreSettings(store_url=settings["STORE_URL"]))
    return [
        *documents,
        expired.list_datasets(store, versions, current),
        expired.list_bentos(store, str(champion.version) if champion else None),
        expired.list_drift_reports(store, now),
        expired.list_runs("logs of runs here", state / "runs"),
        expired.list_runs("logs of drift checks here", state / CHECKS),
    ]
