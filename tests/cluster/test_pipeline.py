"""The pipeline on a real cluster: what it leaves behind, that a laptop makes the same, and what later runs do."""

from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from samples.generate import generate_repositories
from tests.cluster import kube
from tests.cluster.argo import Run, argo, submit
from tests.cluster.project import REPOSITORIES, Vault, local_hash, step_secrets, tracking
from tests.containers.steps import STEPS


@pytest.mark.usefixtures("first_run")
def test_every_pull_request_is_in_mongodb(database: Database[dict[str, Any]]) -> None:
    """Once, under its repository and number."""
    made = generate_repositories()
    wanted = {f"{name}#{number}" for name in REPOSITORIES for number in made[name].pulls}
    assert {document["_id"] for document in database.pull_requests.find({}, ["_id"])} == wanted


def test_the_dataset_is_the_one_that_a_laptop_makes(first_run: Run, store: Any, tmp_path: Path) -> None:
    """By its hash; and it is in the store, whole."""
    made, wanted = first_run.outputs("preprocess"), local_hash(tmp_path, REPOSITORIES)
    assert made["data_hash"] == wanted
    assert made["dataset_uri"] == f"s3://pr-sentinel/datasets/{wanted}"
    assert f"datasets/{wanted}/manifest.json" in {item.key for item in store.objects.all()}


def test_the_registry_has_a_champion_of_that_dataset(first_run: Run) -> None:
    """The version that register says it has written."""
    with tracking() as client:
        champion = client.get_model_version_by_alias("pr-sentinel", "champion")
    assert champion.version == first_run.outputs("register")["version"]
    assert champion.tags["data_hash"] == first_run.outputs("preprocess")["data_hash"]


def test_every_pod_of_a_run_was_admitted_as_restricted(first_run: Run) -> None:
    """The namespace enforces it, so a run that succeeds is the proof; that it does is looked up."""
    labels = kube.get("namespace", kube.PIPELINE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert len(first_run.pods("fetch")) == len(REPOSITORIES)


def test_a_second_run_changes_nothing(first_run: Run) -> None:
    """It finds what is there by its hashes."""
    again = submit(*REPOSITORIES).succeeded()
    assert again.outputs("preprocess") == first_run.outputs("preprocess")
    assert again.outputs("train") == first_run.outputs("train")
    assert again.outputs("register")["decision"] == "unchanged"


def test_after_a_failure_what_was_finished_is_not_done_again(first_run: Run, vault: Vault) -> None:
    """`argo retry` leaves it as it is; `argo resubmit` finds it by its hashes, in a run of its own."""
    vault.put("register", mlflow_uri=None)
    run = submit(*REPOSITORIES)
    assert "MLFLOW_URI: Field required" in run.failed()
    finished = ends(run)
    vault.apply(step_secrets())
    again = Run(argo("resubmit", run.name, "--output", "name").strip())
    run.retry().succeeded()
    assert finished.items() <= ends(run).items()
    assert {node["templateName"] for node in run.nodes() if node["id"] in finished} == {*STEPS, "discover"} - {
        "register"
    }
    assert again.succeeded().outputs("train") == first_run.outputs("train")


def test_a_suspended_run_starts_nothing_until_it_is_resumed(first_run: Run) -> None:
    """A running step is stopped, while another run has moved on to its next step."""
    run = submit("example/docs")
    run.running("discover")
    argo("suspend", run.name)
    kube.wait(lambda: [pod for pod in run.pods("discover") if pod["phase"] == "Succeeded"], "the end of discover")
    later = submit("example/docs")
    kube.wait(lambda: later.pods("fetch"), "another run's fetch")
    assert not run.pods("fetch")
    assert run.phase() == "Running"
    argo("resume", run.name)
    run.succeeded()
    assert later.succeeded().outputs("preprocess") == run.outputs("preprocess")


def ends(run: Run) -> dict[str, str]:
    """When each step's pod ended that has succeeded; the record of how the run ended is none of them."""
    pods = [node for node in run.nodes() if node["type"] == "Pod" and node["templateName"] != "conclude"]
    return {node["id"]: node["finishedAt"] for node in pods if node["phase"] == "Succeeded"}
