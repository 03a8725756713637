"""The kill matrix: kill -9 at random moments in each of the five steps, on the way from GitHub to a champion.

What comes of it is what comes of a run that nothing disturbed, to the byte: the dataset, the model, the Bento, and one
version.
"""

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Event
from typing import NamedTuple

import psutil
import pytest
from mlflow import MlflowClient
from pymongo import MongoClient

from local.engine import template_reader
from local.engine.attempt import Attempt, Machine, run_attempt
from local.services import embedded
from steps.common.registry import CHAMPION
from steps.common.tracking import REGISTERED_MODEL

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "1"))
"""Kills of each step; `make kills` has five."""
KILLED = 128 + signal.SIGKILL
TARGETS = ("discover", "fetch example/webshop", "preprocess", "train", "register")
"""Every step; of the fetches, the longest."""
REPOSITORIES = json.dumps(list(embedded.SAMPLE_REPOSITORIES))
CONTAINERS = template_reader.read(template_reader.TEMPLATE).spec.containers
DEFAULTS = {"seed": "7", "alert_budget": "0.01", "search": "", "search_limit": "20", "spark_master": "local[2]"}


class Outcome(NamedTuple):
    """What stays of a way through all steps: the same however often it was disturbed."""

    dataset: str
    model: str
    bento: str
    versions: int
    decision: str
    documents: int


class Way:
    """A way through the steps in one folder; each is killed so many times before it may end."""

    def __init__(self, folder: Path, settings: dict[str, str], seconds: dict[str, float] | None = None) -> None:
        self._folder = folder
        self._machine = Machine(embedded.ROOT, settings)
        self._expected = {name: value for name, value in (seconds or {}).items() if name in TARGETS}
        self._random = Random(os.environ.get("SEED", "1"))
        self.seconds: dict[str, float] = {}
        self.kills: dict[str, int] = {}

    def take(self, step: str, name: str = "", **inputs: str) -> dict[str, str]:
        """Kill the step at random moments where it is known how long it takes, then run it to its end."""
        name = name or step
        self.kills[name] = 0
        limit = self._expected.get(name, 0.0)
        while self.kills[name] < KILLS and limit > 0:
            if self._attempt(step, inputs, self._random.uniform(0.02, 1.0) * limit).exit_code == KILLED:
                self.kills[name] += 1
            else:
                limit *= 0.8  # what was saved before makes it quicker
        began = time.monotonic()
        done = self._attempt(step, inputs, None)
        self.seconds[name] = time.monotonic() - began
        assert done.exit_code == 0, (self._folder / "log").read_text()[-2_000:]
        return done.outputs

    def _attempt(self, step: str, inputs: dict[str, str], moment: float | None) -> Attempt:
        known = {child.pid for child in psutil.Process().children()}
        ended = Event()

        def kill() -> None:
            if ended.wait(moment):
                return
            for child in psutil.Process().children():
                if child.pid not in known:
                    os.killpg(child.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        if moment is not None:
            killer.start()
        container = CONTAINERS[step]
        given = {**DEFAULTS, **container.defaults, **inputs}
        wanted = {name: given[name] for name in container.inputs.names}
        try:
            return run_attempt(
                container, wanted, self._machine, log=self._folder / "log", stop=Event(), heard=lambda _: None
            )
        finally:
            ended.set()
            if moment is not None:
                killer.join()


@contextmanager
def provide(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """An empty folder with MongoDB, a store and the fake GitHub; MLflow's file, which this process reads, is apart."""
    folder.mkdir()
    with embedded.run_settings(folder, samples=True) as settings:
        yield settings | {"MLFLOW_URI": f"sqlite:///{folder.parent}/{name}.db"}


def walk(way: Way, settings: dict[str, str]) -> Outcome:
    """Take every step, and return what there is in the end."""
    found = way.take("discover", repositories=REPOSITORIES)
    for name in embedded.SAMPLE_REPOSITORIES:
        way.take("fetch", f"fetch {name}", repository=name)
    dataset = way.take("preprocess", repositories=found["repositories"])
    trained = way.take("train", dataset_uri=dataset["dataset_uri"])
    registered = way.take("register", **trained_inputs(trained), dataset_uri=dataset["dataset_uri"])
    with MongoClient[dict[str, object]](settings["MONGO_URI"]) as mongo:
        documents = mongo[settings["MONGO_DB"]].pull_requests.count_documents({})
    client = MlflowClient(settings["MLFLOW_URI"])
    versions = client.search_model_versions(f"name = '{REGISTERED_MODEL}'")
    champion = client.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
    tags = champion.tags
    return Outcome(
        dataset["data_hash"], tags["model_sha256"], registered["bento"], len(versions), tags["decision"], documents
    )


def trained_inputs(trained: dict[str, str]) -> dict[str, str]:
    """What register takes of a training."""
    return {name: trained[name] for name in ("run_id", "model_uri")}


def test_killed_in_each_step_all_of_it_comes_out_the_same(tmp_path: Path) -> None:
    """In the same folder, since a model's manifest names its dataset's place."""
    folder = tmp_path / "state"
    with provide(folder, "quiet") as settings:
        quiet = Way(folder, settings)
        expected = walk(quiet, settings)
    assert (expected.versions, expected.decision) == (1, "accepted")
    shutil.move(folder, tmp_path / "quiet")
    with provide(folder, "disturbed") as settings:
        disturbed = Way(folder, settings, quiet.seconds)
        found = walk(disturbed, settings)
    sys.stdout.write(f"{disturbed.kills}\n")
    assert found == expected
    assert {name: count for name, count in disturbed.kills.items() if count} == dict.fromkeys(TARGETS, KILLS)
