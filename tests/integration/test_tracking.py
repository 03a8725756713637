"""MLflow's database file is there whole or not at all, whatever ends the process that makes it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from local.services import embedded
from steps.common.settings import TrackingSettings
from steps.common.tracking import connect
from tests.support.manifests import ROOT

CONNECT = """
import sys
from steps.common.settings import TrackingSettings
from steps.common.tracking import connect

with connect(TrackingSettings(mlflow_uri=sys.argv[1])) as client:
    print(client.search_experiments()[0].name)
"""
STATEFUL_SET = ROOT / "gitops" / "bootstrap" / "mlflow" / "stateful-set.yaml"


def format_uri(folder: Path) -> str:
    """The URI of the database in a state folder, as commands have it."""
    return embedded.find_tracking(folder)["MLFLOW_URI"]


def start_creation(folder: Path, way: str) -> subprocess.Popen[str]:
    """A process that makes the database: a step or a command here, the container before the server's on a cluster."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    if way == "step":
        command = [sys.executable, "-c", CONNECT, format_uri(folder)]
        folder = ROOT
    else:
        (container,) = yaml.safe_load(STATEFUL_SET.read_text())["spec"]["template"]["spec"]["initContainers"]
        command = [*container["command"], *container["args"]]
    return subprocess.Popen(command, cwd=folder, env=os.environ | {"PATH": path}, text=True, start_new_session=True)


@pytest.mark.parametrize("way", ["step", "cluster"])
def test_a_creation_that_was_killed_is_begun_anew(tmp_path: Path, way: str) -> None:
    """Once its first tables are there; MLflow itself would find them and give up."""
    folder = tmp_path / "a folder, 50%"
    folder.mkdir()
    creation = start_creation(folder, way)
    while not any(path.stat().st_size for path in folder.rglob("mlflow.db")):
        assert creation.poll() is None
        time.sleep(0.001)
    os.killpg(creation.pid, 9)
    creation.wait()
    assert not (folder / "mlflow.db").exists()
    assert start_creation(folder, way).wait() == 0
    with connect(TrackingSettings(mlflow_uri=format_uri(folder))) as client:
        assert [experiment.name for experiment in client.search_experiments()] == ["Default"]


def test_several_at_once_make_one(tmp_path: Path) -> None:
    """And leave nothing else behind."""
    creations = [start_creation(tmp_path, "step") for _ in range(3)]
    assert [creation.wait() for creation in creations] == [0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:{folder}/mlflow.db?uri=true"])
def test_what_is_not_named_by_a_path_is_left_to_mlflow(tmp_path: Path, uri: str) -> None:
    """A database in memory, and one with SQLite's own kind of URI."""
    with connect(TrackingSettings(mlflow_uri=uri.format(folder=tmp_path))) as client:
        assert [experiment.name for experiment in client.search_experiments()] == ["Default"]
