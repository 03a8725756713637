"""Register killed anywhere and run again: one version, the alias right, the same answer."""

import multiprocessing
import os
import signal
from collections.abc import Mapping
from typing import Any

import pytest
from mlflow import MlflowClient

from steps.common.settings import StoreSettings
from steps.common.store import open_store
from steps.packaging import archive
from steps.register import package, registry
from tests.support import plain_bento

pytestmark = pytest.mark.slow

NAME = "pr-sentinel"
# Forked from a server that holds nothing but the imports: a process of its own without seconds of importing each.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "steps.register.registry",
        "mlflow.store.tracking.sqlalchemy_store",
        "mlflow.store.model_registry.sqlalchemy_store",
    ]
)


def die_before(method: str, argument: str, environment: Mapping[str, str], given: Mapping[str, str]) -> None:
    """Register, and die by SIGKILL just before MLflow is asked for the method, with the argument among its own."""
    asked = getattr(MlflowClient, method)

    def fatal(self: MlflowClient, *arguments: Any, **named: Any) -> Any:
        if not argument or argument in arguments:
            os.kill(os.getpid(), signal.SIGKILL)
        return asked(self, *arguments, **named)

    os.environ.update(environment)
    package.build = plain_bento.build
    setattr(MlflowClient, method, fatal)
    registry.decide_and_register(**given)


@pytest.mark.parametrize(
    ("method", "argument", "first"),
    [
        ("get_run", "", "faint"),
        ("set_tag", "reason", "faint"),
        ("create_model_version", "", None),
        ("create_model_version", "", "faint"),
        ("set_model_version_tag", "bento_key", None),
        ("set_model_version_tag", "bento", "faint"),
        ("set_registered_model_alias", "challenger", "faint"),
        ("set_registered_model_alias", "champion", None),
        ("set_registered_model_alias", "champion", "faint"),
    ],
)
def test_a_kill_before_the_alias_moves_leaves_no_trace_after_a_retry(
    client: MlflowClient, trainings: Any, method: str, argument: str, first: str | None
) -> None:
    """The champion stays until the second try, which gives the answer of an undisturbed run and no second version."""
    if first:
        registry.decide_and_register(**trainings[first])
    environment = {name: os.environ[name] for name in ("STORE_URL", "MLFLOW_URI")}
    process = PROCESSES.Process(target=die_before, args=(method, argument, environment, trainings["good"]))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    champions = [model.aliases.get("champion") for model in client.search_registered_models()]
    assert [str(number) for number in champions if number] == (["1"] if first else [])

    answer = registry.decide_and_register(**trainings["good"])
    assert (answer["decision"], answer["version"]) == ("accepted", "2" if first else "1")
    assert answer["reason"].startswith("Better: " if first else "First: ")
    found = client.search_model_versions(f"run_id = '{trainings['good']['run_id']}'")
    assert [str(version.version) for version in found] == [answer["version"]]
    assert client.get_model_version_by_alias(NAME, "champion").version == found[0].version
    assert found[0].tags["reason"] == answer["reason"]
    store = open_store(StoreSettings(store_url=environment["STORE_URL"]))
    assert store.list_keys(f"{archive.FOLDER}/{answer['version']}") == [found[0].tags[archive.KEY_TAG]]
    assert archive.is_whole(store, found[0].tags[archive.KEY_TAG])
    assert found[0].tags[archive.BENTO_TAG] == answer["bento"]


def test_a_kill_after_the_alias_moved_changes_nothing_on_retry(client: MlflowClient, trainings: Any) -> None:
    """The version is the champion and known to have been it, so that it stays away once a person takes it back."""
    registry.decide_and_register(**trainings["faint"])
    environment = {name: os.environ[name] for name in ("STORE_URL", "MLFLOW_URI")}
    death = ("set_model_version_tag", "was_champion", environment, trainings["good"])
    process = PROCESSES.Process(target=die_before, args=death)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    answer = registry.decide_and_register(**trainings["good"])
    assert (answer["decision"], answer["version"]) == ("unchanged", "2")
    client.set_registered_model_alias(NAME, "champion", "1")
    assert registry.decide_and_register(**trainings["good"])["reason"].startswith("Demoted: ")
