"""Preprocess killed at its worst moments, then run again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from steps.common.dataset import SPLITS, materialise
from steps.common.settings import StoreSettings, load
from steps.common.store import Store, open_store
from tests.support.documents import REPOSITORIES, documents

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RUNNER = ["-m", "hera.workflows.runner", "-e", "steps.preprocess.step:preprocess"]
VICTIM = """
import importlib, os, signal, sys
from steps.preprocess.pipeline import build_dataset

module, owner, name, times = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
place = getattr(importlib.import_module(module), owner)
original, seen = getattr(place, name), 0

def deadly(*args, **kwargs):
    global seen
    seen += 1
    if seen == times:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)

setattr(place, name, deadly)
build_dataset(sys.argv[5:], "local[2]", 0.05)
"""
MOMENTS = {
    "before Spark starts": ("steps.preprocess.pipeline", "spark", "open_session", 1),
    "when some files have been moved": ("steps.common.store", "FolderStore", "move", 3),
    "just before the manifest": ("steps.common.store", "FolderStore", "write", 1),
}


@pytest.fixture
def store(tmp_path: Path, database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store, and documents to fill it from."""
    database.pull_requests.insert_many(documents(busy=60, quiet=20))
    monkeypatch.setenv("STORE_URL", f"file://{tmp_path}/store")
    return open_store(load(StoreSettings))


def kill(module: str, owner: str, name: str, times: int) -> None:
    """Run preprocess in a process of its own, which kills itself when it calls something for the n-th time."""
    arguments = [sys.executable, "-c", VICTIM, module, owner, name, str(times), *REPOSITORIES]
    ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


def run_step(folder: Path) -> dict[str, str]:
    """Run the step as its container does; returns what it hands on."""
    given = folder / "inputs.json"
    inputs = {
        **{"repositories": json.dumps(REPOSITORIES), "spark_master": "local[2]"},
        **{"most_rejected": "0.05", "most_missing": "0.2"},
    }
    given.write_text(json.dumps([{"name": name, "value": value} for name, value in inputs.items()]))
    ended = subprocess.run(
        [sys.executable, *RUNNER, str(given)],
        cwd=ROOT,
        env=os.environ | {"hera__outputs_directory": str(folder / "outputs")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert all(json.loads(line)["level"] in {"info", "warning"} for line in ended.stderr.splitlines()), ended.stderr
    return {path.name: path.read_text() for path in (folder / "outputs" / "parameters").iterdir()}


def test_killed_anywhere_and_run_again_it_makes_the_same(store: Store, tmp_path: Path) -> None:
    """No killed run leaves a manifest, and the next ends with the hash under which they had begun to put files."""
    for moment in MOMENTS.values():
        kill(*moment)
        assert not [key for key in store.list_keys("datasets") if key.endswith(".json")]
    finished = run_step(tmp_path)
    assert {key.split("/")[1] for key in store.list_keys("datasets")} == {finished["data_hash"], "inputs"}
    splits = {name.split("/")[0] for name in materialise(store, finished["dataset_uri"], tmp_path).paths}
    assert splits == set(SPLITS) - {"held_out"}  # there are too few for each of these to be drawn
    assert (finished["rows"], finished["trainable"]) == ("80", "false")
