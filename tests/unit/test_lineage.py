"""Lineage events: what a step's run says of itself, whom it belongs to, and what it never says."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from steps.common import lineage, openlineage
from steps.common.errors import AccessRefused
from steps.common.lineage import LineageDataset
from steps.common.step_frame import WORKFLOW, run_step
from tests.support import manifests
from tests.support.lineage_sink import LineageSink, get_tags, receiving_own, without_sink
from workflows import monitoring, pipeline

STEPS = ("fetch", "preprocess", "train", "register", "monitor")
MARK = "Xyzzy4711"
RUN_ONE = "from steps.common.step_frame import run_step\nwith run_step('fetch'):\n    pass\n"


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """No sink but the test's own."""
    with without_sink():
        yield


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[LineageSink]:
    """A sink that steps of a workflow send their events to."""
    with receiving_own() as found:
        monkeypatch.setenv(WORKFLOW, "pr-sentinel-n7mpx")
        monkeypatch.setenv("GIT_COMMIT", "abc")
        yield found


def find_facets(event: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The facets of a run, without those fields that say where a facet comes from."""
    facets: dict[str, dict[str, Any]] = event["run"]["facets"]
    return {name: {key: one for key, one in facet.items() if key[0] != "_"} for name, facet in facets.items()}


def test_a_run_begins_and_completes(sink: LineageSink) -> None:
    """Two events of one run of the job, which name the commit; a retry is another run."""
    for _ in range(2):
        with run_step("fetch"):
            pass
    start, end, *retry = sink.events
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == end["run"]["runId"] != retry[0]["run"]["runId"] == retry[1]["run"]["runId"]
    assert (end["job"]["namespace"], end["job"]["name"]) == ("pr-sentinel", "fetch")
    job_type = end["job"]["facets"]["jobType"]
    assert (job_type["processingType"], job_type["integration"], job_type["jobType"]) == (
        "BATCH",
        "PR_SENTINEL",
        "TASK",
    )
    assert find_facets(end)["processing_engine"] == {"name": "pr-sentinel", "version": "abc"}
    assert end["producer"] == openlineage.PRODUCER


def test_the_steps_of_a_workflow_have_its_run_as_their_parent(
    sink: LineageSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another workflow is another parent, and so is one of the same name in another namespace."""
    for workflow, namespace in (("a", ""), ("a", ""), ("b", ""), ("a", "staging")):
        monkeypatch.setenv(WORKFLOW, workflow)
        monkeypatch.setenv("OPENLINEAGE_NAMESPACE", namespace)
        with run_step("train"):
            pass
    parents = [find_facets(event)["parent"] for event in sink.events[::2]]
    ids = [parent["run"]["runId"] for parent in parents]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    jobs = [(parent["job"]["namespace"], parent["job"]["name"]) for parent in parents]
    assert jobs == [("pr-sentinel", "pr-sentinel")] * 3 + [("staging", "pr-sentinel")]
    assert [event["job"]["namespace"] for event in sink.events[::2]] == ["pr-sentinel"] * 3 + ["staging"]


def test_a_parent_is_named_like_the_workflow_s_template(sink: LineageSink) -> None:
    """That of monitor is another one."""
    for step in STEPS:
        with run_step(step):
            pass
    names = [find_facets(event)["parent"]["job"]["name"] for event in sink.events[::2]]
    assert names == [pipeline.NAME] * 4 + [monitoring.MONITOR_NAME]


def test_a_step_by_itself_has_no_parent(sink: LineageSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a commit that nobody knows."""
    monkeypatch.delenv(WORKFLOW)
    monkeypatch.setenv("GIT_COMMIT", "unknown")
    with run_step("fetch"):
        pass
    assert set(find_facets(sink.events[-1])) == {"tags"}  # the client's version


def test_what_was_read_and_written_is_in_the_last_event(sink: LineageSink) -> None:
    """With version, place, columns and numbers, as far as they are known."""
    plain = LineageDataset("mongodb://host:27017", "db.pull_requests", rows=3)
    full = LineageDataset("s3://bucket", "datasets", "f00", "s3://bucket/datasets/f00", 5, 2, 99, {"a": "int64"})
    with run_step("preprocess"):
        lineage.describe(reads=[plain])
        lineage.describe(writes=[full], tags={"decision": "accepted"})
    start, end = sink.events
    assert (start["inputs"], start["outputs"]) == ([], [])
    (read,), (written,) = end["inputs"], end["outputs"]
    assert (read["namespace"], read["name"], set(read["facets"])) == (plain.namespace, plain.name, {"dataSource"})
    assert read["inputFacets"]["inputStatistics"]["rowCount"] == 3
    assert written["facets"]["version"]["datasetVersion"] == "f00"
    assert written["facets"]["dataSource"]["uri"] == full.uri
    assert [(one["name"], one["type"]) for one in written["facets"]["schema"]["fields"]] == [("a", "int64")]
    statistics = written["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["fileCount"], statistics["size"]) == (5, 2, 99)
    assert get_tags(end)["decision"] == "accepted"


def test_a_known_failure_is_stated_in_our_words(sink: LineageSink) -> None:
    """The problem, without what led to it; the exit code is that of the error, and what was read is known."""

    def read() -> None:
        lineage.describe(reads=[LineageDataset("https://api.github.com", "owner/name")])
        raise AccessRefused("The token is not accepted.", advice="Make a new one.") from ValueError(MARK)

    with pytest.raises(SystemExit) as ended, run_step("fetch"):
        read()
    assert ended.value.code == AccessRefused.exit_code
    end = sink.events[-1]
    assert end["eventType"] == "FAIL"
    assert find_facets(end)["errorMessage"] == {
        "message": "The token is not accepted.",
        "programmingLanguage": "Python",
    }
    assert [one["name"] for one in end["inputs"]] == ["owner/name"]
    assert MARK.encode() not in b"".join(sink.raw)


def test_an_unexpected_failure_is_stated_without_its_message(sink: LineageSink) -> None:
    """Which may hold a secret or the text of a pull request."""
    with pytest.raises(KeyError), run_step("fetch"):
        raise KeyError(MARK)
    assert find_facets(sink.events[-1])["errorMessage"]["message"] == "Unexpected KeyError."
    assert MARK.encode() not in b"".join(sink.raw)


def test_a_full_disk_is_stated_as_one(sink: LineageSink) -> None:
    """As in the log, whoever noticed it."""
    with pytest.raises(SystemExit), run_step("train"):
        raise OSError(28, "No space left on device", "/data/file")
    assert find_facets(sink.events[-1])["errorMessage"]["message"] == "No space left for /data/file."


def test_an_interrupted_run_is_aborted(sink: LineageSink) -> None:
    """By a person."""
    with pytest.raises(KeyboardInterrupt), run_step("fetch"):
        raise KeyboardInterrupt
    assert [event["eventType"] for event in sink.events] == ["START", "ABORT"]


def test_a_terminated_run_is_aborted(sink: LineageSink) -> None:
    """By a cluster, whose signal ends the step at once nevertheless."""
    program = RUN_ONE.replace("pass", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    done = subprocess.run([sys.executable, "-c", program], cwd=manifests.ROOT, check=False)
    assert done.returncode == -signal.SIGTERM
    assert [event["eventType"] for event in sink.events] == ["START", "ABORT"]
