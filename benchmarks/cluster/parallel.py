"""Eight repositories fetched one by one and at the template's parallelism, with 50 ms for each response."""

import json

import requests

from benchmarks.cluster.overhead import to_unix_time
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
MAX_PULL_REQUESTS = 2_000
"""Per repository, so that all take about the same time."""


def build_table() -> list[str]:
    """Build a row for each parallelism."""
    usual = kube.get("workflowtemplate", "pr-sentinel")["spec"]["parallelism"]
    with replaying("--latency-ms", str(LATENCY_MS), "--max-per-repo", str(MAX_PULL_REQUESTS)):
        with kube.forwarded("github", 8080) as address:
            for name in REPOSITORIES:  # the server loads each repository on its first request
                requests.get(f"http://{address}/repos/{name}/pulls", timeout=60).raise_for_status()
        taken = {at_once: measure_fetch(at_once) for at_once in (1, usual)}
    rows = [f"| {at_once} | {time:.0f} | {taken[1] / time:.1f} times |" for at_once, time in taken.items()]
    return ["| at once | seconds | faster |", "|---:|---:|---:|", *rows]


def measure_fetch(at_once: int) -> float:
    """Measure the seconds from the start of the first fetch to the end of the last, from and to an empty database."""
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
    taken = max(to_unix_time(pod["finishedAt"]) for pod in pods) - min(to_unix_time(pod["startedAt"]) for pod in pods)
    run.delete()
    return taken
