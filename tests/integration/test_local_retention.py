"""`retention` names what is older than it is kept and not used, and deletes nothing."""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities.model_registry import ModelVersion, ModelVersionTag
from pymongo.database import Database

from local.retention import expired
from steps.common import retention
from steps.common.store import FolderStore
from steps.monitor import report
from tests.support import builders, manifests, tracking
from tests.support.command_line import call_cli

NOW = datetime(2026, 3, 1, tzinfo=UTC)


tag: Any = ModelVersionTag  # without types


def version(**tags: str) -> ModelVersion:
    """A registered version with tags."""
    return ModelVersion("pr-sentinel", "1", 0, tags=[tag(key, value) for key, value in tags.items()])


def test_datasets_that_nobody_uses_go_but_for_the_newest(tmp_path: Path) -> None:
    """Those of registered versions stay, those that are handed on as a reference, and what the histories are of."""
    uris = [builders.dataset(tmp_path, days=day, seed=day + 1, real=60) for day in range(8)]
    names = [uri.rpartition("/")[2] for uri in uris]
    store = FolderStore(tmp_path)
    before = store.list_keys("datasets")
    found = expired.list_datasets(store, [version(dataset_uri=uris[0], reference=uris[1])], names[2])
    assert (found.total, found.expired) == (8, [names[3], names[4]])
    assert store.list_keys("datasets") == before


def test_a_dataset_of_another_version_goes_first(tmp_path: Path) -> None:
    """This code can't read its age."""
    names = [builders.dataset(tmp_path, days=day, seed=day + 1, real=60).rpartition("/")[2] for day in range(4)]
    FolderStore(tmp_path).write(f"datasets/{names[3]}/manifest.json", json.dumps({"version": 1}).encode())
    assert expired.list_datasets(FolderStore(tmp_path), [], None).expired == [names[3]]


def test_the_champions_bento_stays_however_old_it_is(tmp_path: Path) -> None:
    """Versions count as numbers: 10 is newer than 9."""
    store = FolderStore(tmp_path)
    for number in range(1, 14):
        store.write(f"bentos/{number}/{'0' * 64}.bento", b"")
    assert expired.list_bentos(store, "1").expired == ["2", "3"]
    assert expired.list_bentos(store, None).expired == ["1", "2", "3"]


def test_reports_go_by_the_time_in_their_name(tmp_path: Path) -> None:
    """The record of the last training is none."""
    store, old = FolderStore(tmp_path), NOW - timedelta(days=retention.DRIFT_REPORT_DAYS, seconds=1)
    for name in ("request.json", f"{old:{report.TIME}}.html", f"{NOW:{report.TIME}}.html"):
        store.write(f"drift/{name}", b"{}")
    found = expired.list_drift_reports(store, NOW)
    assert (found.total, found.expired) == (2, [f"drift/{old:{report.TIME}}.html"])


def test_the_newest_logs_stay(tmp_path: Path) -> None:
    """By the time of their folders, whatever they are called."""
    for number in range(22):
        (tmp_path / f"run-{number}").mkdir()
        os.utime(tmp_path / f"run-{number}", (number, number))
    assert expired.list_runs("logs", tmp_path).expired == ["run-0", "run-1"]


@pytest.mark.parametrize("collection", retention.COLLECTIONS)
def test_documents_go_by_their_own_field(collection: str, database: Database[dict[str, Any]]) -> None:
    """One is a second too old, one is not."""
    field, days = retention.COLLECTIONS[collection]
    limit = NOW - timedelta(days=days)
    database[collection].insert_many([{field: limit - timedelta(seconds=1)}, {field: limit + timedelta(seconds=1)}])
    found = {one.kind: one for one in expired.list_documents(database, NOW)}[f"MongoDB {collection}"]
    assert (found.total, found.expired) == (2, 1)


def test_every_collection_that_the_service_lets_expire_is_listed() -> None:
    """By the field of its index."""
    modules = [path.read_text("utf-8") for path in (manifests.ROOT / "steps" / "serve").rglob("*.py")]
    index = re.compile(r'(?:create_index|IndexModel)\("(\w+)", expireAfterSeconds')
    fields = {name for text in modules for name in index.findall(text)}
    assert fields == {field for field, _ in retention.COLLECTIONS.values()}


def test_the_command_lists_all_kinds_and_what_would_go_by_name(elsewhere: dict[str, str], tmp_path: Path) -> None:
    """Of a store, a database and a registry that may be empty; all of it is still there afterwards."""
    runs = [tmp_path / "state" / "runs" / f"run-{number}" for number in range(retention.MAX_LOCAL_RUNS + 1)]
    for seconds, folder in enumerate(runs):
        folder.mkdir(parents=True)
        os.utime(folder, (seconds, seconds))
    places = elsewhere | {"MLFLOW_URI": tracking.empty(tmp_path)}
    done = call_cli("retention", "--names", "--state", str(tmp_path / "state"), **places)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    counts = {kind: (total, gone) for kind, _, total, gone in rows}
    assert counts.pop("logs of runs here") == (str(len(runs)), "1")
    assert {*counts.values()} == {("0", "0")}
    assert {f"MongoDB {name}" for name in retention.COLLECTIONS} <= counts.keys()
    assert "logs of runs here: run-0\n" in done.stdout
    assert done.stdout.endswith("Nothing was deleted.\n")
    assert all(folder.is_dir() for folder in runs)
