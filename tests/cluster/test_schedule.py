"""The CronWorkflow starts runs by itself, and never two at once."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster import kube
from tests.cluster.argo import ENDED, Run, argo, no_controller
from tests.support.github import StandIn

CRON = "cronworkflow/pr-sentinel"
OF_THE_SCHEDULE = "workflows.argoproj.io/cron-workflow=pr-sentinel"
MOMENT = 10


@contextmanager
def hurried(**spec: str) -> Iterator[None]:
    """A run each minute, of the small repository; the schedule is put back and its runs are stopped."""
    kube.kubectl("delete", "workflows", "--selector", OF_THE_SCHEDULE)
    usual = kube.get(CRON)["spec"]
    repositories = {"name": "repositories", "value": '["example/docs"]'}
    patch({"schedules": ["* * * * *"], "workflowSpec": {"arguments": {"parameters": [repositories]}, **spec}})
    yield
    was = {name: usual.get(name) for name in ("schedules", "startingDeadlineSeconds", "suspend")}
    patch({**was, "workflowSpec": dict.fromkeys(("arguments", *spec))})
    for run in scheduled():
        if run.phase() not in ENDED:
            argo("stop", run.name)


@pytest.fixture
def every_minute(first_run: Run) -> Iterator[None]:
    """All of the pipeline, each minute."""
    with hurried():
        yield


@pytest.fixture
def quick(first_run: Run) -> Iterator[None]:
    """Its first step alone."""
    with hurried(entrypoint="discover"):
        yield


def patch(spec: dict[str, Any]) -> None:
    """Change the CronWorkflow."""
    kube.kubectl("patch", CRON, "--type", "merge", "--patch", json.dumps({"spec": spec}))


def scheduled() -> list[Run]:
    """The runs that the schedule has started."""
    found = kube.get("workflows", "--selector", OF_THE_SCHEDULE)
    return [Run(item["metadata"]["name"]) for item in found["items"]]


def times() -> list[int]:
    """The minutes that those runs are for, in Unix time."""
    return [int(run.name.rpartition("-")[2]) for run in scheduled()]


def ended() -> list[Run]:
    """The runs, if there is any and the schedule knows that none is under way: none starts beside another."""
    return [] if kube.get(CRON).get("status", {}).get("active") else scheduled()


def next_minute() -> int:
    """Wait until it has begun, and a little longer; its beginning in Unix time."""
    minute = (int(time.time()) // 60 + 1) * 60
    kube.wait(lambda: time.time() > minute + MOMENT, "the next minute")
    return minute


def test_it_starts_runs_but_never_two_at_once(every_minute: None, github: StandIn) -> None:
    """One that outlasts its minute is alone until it has ended, and ends well."""
    github.control(latency_ms=20_000)
    run = kube.wait(lambda: next(iter(scheduled()), None), "a scheduled run")
    next_minute()
    assert [one.name for one in scheduled()] == [run.name]
    assert run.phase() == "Running"
    github.reset()
    run.succeeded()
    assert "* * * * *" in argo("cron", "list")


def test_a_missed_run_is_caught_up_once(quick: None) -> None:
    """The controller is back within the schedule's deadline."""
    kube.wait(ended, "a scheduled run")
    with no_controller():
        missed = next_minute()
    kube.wait(lambda: missed in times(), "the missed run")
    assert times().count(missed) == 1


def test_after_the_deadline_it_is_not(quick: None) -> None:
    """The next one comes in its own time."""
    patch({"startingDeadlineSeconds": MOMENT // 2})
    kube.wait(ended, "a scheduled run")
    with no_controller():
        missed = next_minute()
    kube.wait(lambda: max(times()) > missed, "the run after")
    assert missed not in times()


def test_a_suspended_schedule_starts_nothing_until_it_is_resumed(quick: None) -> None:
    """Then it makes up for the latest run, if that is within the deadline."""
    kube.wait(ended, "a scheduled run")
    argo("cron", "suspend", "pr-sentinel")
    before = times()
    missed = next_minute()
    assert times() == before
    argo("cron", "resume", "pr-sentinel")
    kube.wait(lambda: missed in times(), "the run of that minute")
