"""Eight repositories fetched one after the other and as many at once as the template allows, 50 ms for each answer."""

import json

import requests

from benchmarks.cluster.overhead import seconds
from tests.cluster import kube
from tests.cluster.argo import Run, create
from tests.cluster.project import documents, forget, replaying

REPOSITORIES = (
    "apache/kafka",
    "celery/celery",
    "denoland/deno",
    "flutter/packages",
    "home-assistant/frontend",
    "kubernetes-sigs/kind",
    "rails/rails",
    "rust-lang/rust-clippy",
)
LATENCY_MS = 50
LATEST = 2_000
"""Of each repository, so that all take about as long."""


def table() -> list[str]:
    """A row for each number at once."""
    usual = kube.get("workflowtemplate", "pr-sentinel")["spec"]["parallelism"]
    with replaying("--latency-ms", str(LATENCY_MS), "--max-per-repo", str(LATEST)):
        with kube.forwarded("github", 8080) as address:
            for name in REPOSITORIES:  # it reads each when it is first asked
                requests.get(f"http://{address}/repos/{name}/pulls", timeout=60).raise_for_status()
        taken = {at_once: fetching(at_once) for at_once in (1, usual)}
    rows = [f"| {at_once} | {time:.0f} | {taken[1] / time:.1f} times |" for at_once, time in taken.items()]
    return ["| at once | seconds | faster |", "|---:|---:|---:|", *rows]


def fetching(at_once: int) -> float:
    """Seconds from the first fetch's beginning to the last one's end; nothing is there before, and nothing after."""
    spec = kube.get("workflowtemplate", "pr-sentinel")["spec"]
    (main,) = (template for template in spec["templates"] if template["name"] == spec["entrypoint"])
    main["dag"]["tasks"] = [task for task in main["dag"]["tasks"] if task["name"] in {"discover", "fetch"}]
    (given,) = (one for one in spec["arguments"]["parameters"] if one["name"] == "repositories")
    given["value"] = json.dumps(REPOSITORIES)
    try:
        run: Run = create(spec | {"parallelism": at_once}).succeeded()
    finally:
        with documents() as database:
            forget(database, REPOSITORIES)
    pods = run.pods("fetch")
    taken = max(seconds(pod["finishedAt"]) for pod in pods) - min(seconds(pod["startedAt"]) for pod in pods)
    run.delete()
    return taken
