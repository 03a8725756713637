"""The lineage of a real run of the pipeline: from the model version back to the fetched pull requests."""

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from local.services import database
from samples.generate import generate_repositories
from steps.common.step_frame import run_step
from steps.fetch.sync import synchronise
from tests.support.command_line import SampleRun
from tests.support.github import StandIn
from tests.support.lineage_sink import EVENTS_FILE, EVENTS_RECEIVED, find_datasets, get_tags, receiving_own

Key = tuple[str, str, str]
REPOSITORIES = {"example/compiler", "example/docs", "example/webshop"}


@pytest.fixture(scope="module")
def folder(sample_run: SampleRun) -> Path:
    """Where the run's events are."""
    return sample_run.state.parent


@pytest.fixture(scope="module")
def events(folder: Path) -> list[dict[str, Any]]:
    """All that the run sent to a server."""
    found: list[dict[str, Any]] = json.loads((folder / EVENTS_RECEIVED).read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def completed(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that say how a step ended."""
    return [event for event in events if event["eventType"] != "START"]


def find_writers(completed: list[dict[str, Any]], key: Key) -> list[dict[str, Any]]:
    """The runs that wrote a dataset in this version."""
    return [event for event in completed if key in find_datasets(event, "outputs")]


def find_read(event: dict[str, Any], name: str) -> Key:
    """The one dataset that a run read whose name ends so."""
    (key,) = (key for key in find_datasets(event, "inputs") if key[1].endswith(name))
    return key


def test_every_step_of_the_run_says_that_it_began_and_completed(
    events: list[dict[str, Any]], sample_run: SampleRun
) -> None:
    """Once each; the pipeline's have one workflow as their parent, and monitor, which follows it, another."""
    # Later runs of other tests may be there, too.
    records = (json.loads(path.read_text("utf-8")) for path in sample_run.state.glob("runs/*/run.json"))
    assert min(records, key=lambda record: str(record["began"]))["phase"] == "Succeeded"
    runs: dict[str, list[str]] = {}
    for event in events:
        runs.setdefault(event["run"]["runId"], []).append(f"{event['job']['name']} {event['eventType']}")
    steps = ["discover", "fetch", "fetch", "fetch", "preprocess", "train", "register", "conclude", "monitor"]
    assert sorted(runs.values()) == sorted([f"{step} START", f"{step} COMPLETE"] for step in steps)
    parents = {event["run"]["facets"]["parent"]["run"]["runId"]: event["job"]["name"] == "monitor" for event in events}
    assert sorted(parents.values()) == [False, True]


def test_a_file_gets_the_same_events(folder: Path, events: list[dict[str, Any]]) -> None:
    """One on each line."""
    lines = [json.loads(line) for line in (folder / EVENTS_FILE).read_text("utf-8").splitlines()]
    assert sorted(map(json.dumps, lines)) == sorted(map(json.dumps, events))


def test_a_model_version_leads_back_to_the_fetched_pull_requests(
    completed: list[dict[str, Any]], sample_run: SampleRun
) -> None:
    """Version, run, dataset, collection, repositories: by namespace, name and version alone."""
    place = f"sqlite+pysqlite:///{sample_run.state}/mlflow.db"
    version = MlflowClient(place).get_model_version("pr-sentinel", "1")
    (registered,) = find_writers(completed, (place, "models/pr-sentinel", "1"))
    (trained,) = find_writers(completed, find_read(registered, "experiments/pr-sentinel"))
    assert find_read(registered, "/datasets") == find_read(trained, "/datasets")
    assert find_read(registered, "experiments/pr-sentinel")[2] == version.run_id
    dataset = find_read(trained, "/datasets")
    assert dataset == ("file", f"{sample_run.state}/store/datasets", version.tags["data_hash"])
    (built,) = find_writers(completed, dataset)
    fetched = find_writers(completed, find_read(built, ".pull_requests"))
    assert {name for event in fetched for _, name, _ in find_datasets(event, "inputs")} == REPOSITORIES


def test_counts_columns_and_the_decision_are_there(completed: list[dict[str, Any]]) -> None:
    """Pull requests that were fetched and read, what a dataset consists of, and what the gate decided."""
    by_job = {event["job"]["name"]: event for event in completed}
    written = [
        one["outputFacets"]["outputStatistics"]["rowCount"]
        for event in completed
        for one in event["outputs"]
        if event["job"]["name"] == "fetch" and one["name"].endswith(".pull_requests")
    ]
    (read,) = by_job["preprocess"]["inputs"]
    assert sum(written) == read["inputFacets"]["inputStatistics"]["rowCount"] == 4200
    dataset = next(one for one in by_job["preprocess"]["outputs"] if one["name"].endswith("/datasets"))
    assert dataset["outputFacets"]["outputStatistics"].keys() >= {"rowCount", "size", "fileCount"}
    assert {"repository", "number", "created_at"} <= {one["name"] for one in dataset["facets"]["schema"]["fields"]}
    tags = get_tags(by_job["register"])
    assert (tags["decision"], tags["reason"].partition(":")[0]) == ("accepted", "First")
    bento = next(one for one in by_job["register"]["outputs"] if one["name"].endswith("/bentos"))
    assert bento["facets"]["version"]["datasetVersion"].startswith("pr-sentinel:1-")


def test_the_run_s_commit_is_there(completed: list[dict[str, Any]], sample_run: SampleRun) -> None:
    """As the version has it."""
    place = f"sqlite+pysqlite:///{sample_run.state}/mlflow.db"
    commit = MlflowClient(place).get_model_version("pr-sentinel", "1").tags["git_commit"]
    trained = next(event for event in completed if event["job"]["name"] == "train")
    assert trained["run"]["facets"]["processing_engine"]["version"] == commit


def test_nothing_secret_and_no_text_is_in_any_event(folder: Path, sample_run: SampleRun) -> None:
    """Neither MongoDB's user and password, nor a title of a pull request."""
    text = (folder / EVENTS_FILE).read_text("utf-8")
    password = (sample_run.state / database.PASSWORD_FILE).read_text("utf-8")
    pulls = [pull for repository in generate_repositories().values() for pull in repository.pulls.values()]
    titles = {pull.title for pull in pulls if " " in pull.title}
    assert (len(password) > 20, len(titles) > 1000) == (True, True)
    assert password not in text
    assert database.USER + "@" not in text
    assert not [title for title in titles if title in text]


@pytest.mark.usefixtures("database")
def test_a_step_that_fails_says_what_it_read_and_why(github: StandIn) -> None:
    """And not that it wrote anything."""
    github.control(next=["primary"], retry_after=3600)
    with receiving_own() as sink, pytest.raises(SystemExit), run_step("fetch"):
        synchronise("example/docs")
    end = sink.events[-1]
    assert (end["eventType"], end["outputs"]) == ("FAIL", [])
    assert [key[1] for key in find_datasets(end, "inputs")] == ["example/docs"]
    assert "refuses requests until" in end["run"]["facets"]["errorMessage"]["message"]
