"""Real pull requests on the cluster, from the replay server that REPLAY_SERVER names."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from steps.common.registry import Registry
from tests.cluster.argo import Run, submit
from tests.cluster.project import documents, forget, local_hash, no_champion, replaying, tracking

pytestmark = pytest.mark.skipif("REPLAY_SERVER" not in os.environ, reason="REPLAY_SERVER names no replay server")
REPOSITORIES = ("pallets/flask", "celery/celery")


@pytest.fixture(scope="module")
def replay(pipeline: None) -> Iterator[None]:
    """The replay server for GitHub; what was fetched from it goes when it goes."""
    with replaying():
        yield
    with documents() as database:
        forget(database, REPOSITORIES)


@pytest.fixture(scope="module")
def run(replay: None) -> Iterator[Run]:
    """A first run over two real repositories."""
    with no_champion():
        yield submit(*REPOSITORIES).succeeded()


def test_two_real_repositories_become_the_champion(run: Run) -> None:
    """Of the dataset that was made of them."""
    registered = run.outputs("register")
    assert registered["decision"] == "accepted", registered["reason"]
    with tracking() as client:
        champion = Registry(client).get_champion()
    assert champion
    assert champion.version == registered["version"]
    assert champion.tags["data_hash"] == run.outputs("preprocess")["data_hash"]


def test_a_laptop_makes_the_same_dataset_of_them(run: Run, tmp_path: Path) -> None:
    """Through the same server, by its hash."""
    assert run.outputs("preprocess")["data_hash"] == local_hash(tmp_path, REPOSITORIES)
