"""The CronWorkflow starts runs by itself, and never two at once."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.cluster import kube
from tests.cluster.argo import ENDED, Run, argo

CRON = "cronworkflow/pr-sentinel"


@pytest.fixture
def every_minute(first_run: Run) -> Iterator[None]:
    """The schedule, hurried; it is put back and its runs are stopped."""
    spec = kube.get(CRON)["spec"]
    repositories = {"name": "repositories", "value": '["example/docs"]'}
    hurried = spec["workflowSpec"] | {"arguments": {"parameters": [repositories]}}
    patch({"schedules": ["* * * * *"], "workflowSpec": hurried})
    yield
    patch({"schedules": spec["schedules"], "suspend": True})
    for run in scheduled():
        if run.phase() not in ENDED:
            argo("stop", run.name)


def patch(spec: dict[str, Any]) -> None:
    """Change the CronWorkflow."""
    kube.kubectl("patch", CRON, "--type", "merge", "--patch", json.dumps({"spec": spec}))


def scheduled() -> list[Run]:
    """The runs that the schedule has started."""
    found = kube.get("workflows", "--selector", "workflows.argoproj.io/cron-workflow=pr-sentinel")
    return [Run(item["metadata"]["name"]) for item in found["items"]]


def test_it_starts_runs_but_never_two_at_once(every_minute: None, github: str) -> None:
    """One that outlasts its minute is alone until it has ended, and ends well."""
    requests.post(f"{github}/_control", json={"latency_ms": 20_000}, timeout=10).raise_for_status()
    run = kube.wait(lambda: next(iter(scheduled()), None), "a scheduled run")
    well_after_the_next = (time.time() // 60 + 1) * 60 + 10
    kube.wait(lambda: time.time() > well_after_the_next, "the next minute")
    assert [one.name for one in scheduled()] == [run.name]
    assert run.phase() == "Running"
    requests.post(f"{github}/_reset", timeout=10).raise_for_status()
    run.succeeded()
    assert "* * * * *" in argo("cron", "list")
