"""Train killed anywhere and run again: one finished run, the same model."""

import os
import signal
import subprocess
import sys

import mlflow
import pytest
from mlflow import MlflowClient

from steps.train.run import train_and_measure
from tests.support.trainings import BUDGET, SEED, Trained

pytestmark = pytest.mark.slow

DIE = """
import importlib, os, signal, sys
module, name, uri, budget, seed = sys.argv[1:]
owner = importlib.import_module(module)
for part in name.split(".")[:-1]:
    owner = getattr(owner, part)
setattr(owner, name.split(".")[-1], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
from steps.train.run import train_and_measure
train_and_measure(uri, float(budget), int(seed))
"""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("steps.train.run", "materialise"),
        ("steps.train.autoencoder", "_export"),
        ("mlflow", "log_figure"),
        ("mlflow.tracking.client", "MlflowClient.set_terminated"),
    ],
)
def test_killed_and_run_again_it_ends_as_if_nothing_had_happened(
    trained: Trained, environment: dict[str, str], module: str, name: str
) -> None:
    """What the killed one left counts for nothing; the second gives the undisturbed one's model."""
    command = [sys.executable, "-c", DIE, module, name, trained.dataset_uri, str(BUDGET), str(SEED)]
    killed = subprocess.run(command, env=os.environ | environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()

    answer = train_and_measure(trained.dataset_uri, BUDGET, SEED)
    runs = MlflowClient().search_runs(["1"])
    assert [(run.info.run_id, run.info.status) for run in runs] == [(answer["run_id"], "FINISHED")]
    model = runs[0].data.tags["model_sha256"]
    mlflow.set_tracking_uri(trained.settings["MLFLOW_URI"])
    assert model == MlflowClient().get_run(trained.answer["run_id"]).data.tags["model_sha256"]
