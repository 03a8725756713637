"""What is older than it is kept, in MongoDB, in the store and on this machine; nothing is deleted."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from mlflow.entities.model_registry import ModelVersion
from pydantic import ValidationError
from pymongo.database import Database

from steps.common import retention
from steps.common.dataset import FOLDER, MANIFEST, Manifest, format_dataset_uri
from steps.common.store import Store
from steps.monitor import report
from steps.packaging import archive
from steps.register.reference import URI_TAG

UNREADABLE = datetime.min.replace(tzinfo=UTC)


class ExpiredThings(NamedTuple):
    """One kind of things: how long it is kept, how many there are, and the names, or the number, that would go."""

    kind: str
    kept: str
    total: int
    expired: Sequence[str] | int


def list_documents(database: Database[dict[str, Any]], now: datetime) -> Iterable[ExpiredThings]:
    """List the documents of each collection; those of a TTL index are soon deleted by MongoDB itself."""
    for name, (field, days) in retention.COLLECTIONS.items():
        expired = database[name].count_documents({field: {"$lt": now - timedelta(days=days)}})
        yield ExpiredThings(f"MongoDB {name}", f"{days} days", database[name].estimated_document_count(), expired)


def list_datasets(store: Store, versions: Sequence[ModelVersion], current: str | None) -> ExpiredThings:
    """List datasets; one is used if a registered version was trained on it or hands it on, or if it is the current one.

    Args:
        store: the store.
        versions: all registered versions.
        current: the hash of the dataset whose histories are served.
    """
    ages: dict[str, datetime] = {}
    for key in store.list_keys(FOLDER):
        if key.endswith(f"/{MANIFEST}"):
            ages[key.split("/")[1]] = _find_newest(store.read(key))
    uris = {version.tags.get(tag) for version in versions for tag in ("dataset_uri", URI_TAG)}
    used = {name for name in ages if name == current or format_dataset_uri(store, name) in uris}
    expired = retention.select_expired(sorted(ages, key=lambda name: ages[name]), used, retention.MAX_UNUSED_DATASETS)
    kept = f"used, and the {retention.MAX_UNUSED_DATASETS} newest others"
    return ExpiredThings("datasets", kept, len(ages), expired)


def list_bentos(store: Store, champion: str | None) -> ExpiredThings:
    """List the versions that have a Bento."""
    numbers = {key.split("/")[1] for key in store.list_keys(archive.FOLDER)}
    expired = retention.select_expired(sorted(numbers, key=int), {champion or ""}, retention.MAX_BENTOS)
    kept = f"the champion's, and the {retention.MAX_BENTOS} newest others"
    return ExpiredThings("Bentos, by version", kept, len(numbers), expired)


def list_drift_reports(store: Store, now: datetime) -> ExpiredThings:
    """List the pages of reports on drift."""
    pages = [key for key in store.list_keys(report.FOLDER) if key.endswith(".html")]
    oldest = now - timedelta(days=retention.DRIFT_REPORT_DAYS)
    expired = [key for key in pages if _read_time(key) < oldest]
    return ExpiredThings("reports on drift", f"{retention.DRIFT_REPORT_DAYS} days", len(pages), expired)


def list_runs(kind: str, folder: Path) -> ExpiredThings:
    """List the folders with the logs of this machine's runs of one kind, the oldest first."""
    names = [path.name for path in sorted(folder.glob("*/"), key=lambda path: path.stat().st_mtime)]
    expired = retention.select_expired(names, (), retention.MAX_LOCAL_RUNS)
    return ExpiredThings(kind, f"the {retention.MAX_LOCAL_RUNS} newest", len(names), expired)


def _find_newest(manifest: bytes) -> datetime:
    """Return when a dataset's last pull request was opened; one that this version can't read is the oldest."""
    try:
        shares = Manifest.model_validate_json(manifest).repositories.values()
    except ValidationError:
        return UNREADABLE
    return max((share.last for share in shares), default=UNREADABLE)


def _read_time(key: str) -> datetime:
    return datetime.strptime(Path(key).stem, report.TIME).replace(tzinfo=UTC)
