"""The time of a run by phase: the steps' own work, and the overhead between and around it."""

import json
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from tests.cluster import kube
from tests.cluster.argo import Run, create, unlike_any_before
from tests.cluster.project import REPOSITORIES, documents, forget

KEPT_PODS = {"strategy": "OnWorkflowCompletion", "deleteDelayDuration": "1h"}


class Times(NamedTuple):
    """The start of each phase of a pod and the end of the last, in Unix time: whole seconds, fractions from its log."""

    created: float
    scheduled: float
    init: float
    main: float
    working: float
    worked: float
    ended: float


PHASES = ("scheduled", "pulled and set up", "init", "Python", "own work", "outputs")
"""The phases between these times; `init` provides the inputs, `outputs` collects the results."""


def create_kept_run() -> Run:
    """Run the pipeline on the samples with nothing cached, and keep the pods for inspection."""
    with documents() as database:
        forget(database, REPOSITORIES)
    given = {"repositories": json.dumps(REPOSITORIES), **unlike_any_before()}
    parameters = [{"name": name, "value": value} for name, value in given.items()]
    template = {"name": "pr-sentinel"}
    run = create({"workflowTemplateRef": template, "arguments": {"parameters": parameters}, "podGC": KEPT_PODS})
    return run.succeeded()


def build_table(run: Run) -> list[str]:
    """Build a row for each step (its longest pod) and one for the sum."""
    steps: dict[str, Times] = {}
    for node in run.nodes():
        if node["type"] == "Pod":
            found, name = read_times(node), node["templateName"]
            steps[name] = max(found, steps.get(name, found), key=lambda one: one.ended - one.created)
    status = run.described()["status"]
    whole = to_unix_time(status["finishedAt"]) - to_unix_time(status["startedAt"])
    spans = [one.ended - one.created for one in steps.values()]
    phases = [[end - begin for begin, end in pairwise(one)] for one in steps.values()]
    rows = [format_row(name, span, *each) for name, span, each in zip(steps, spans, phases, strict=True)]
    sums = [sum(column) for column in zip(*phases, strict=True)]
    return [
        f"| step | whole | {' | '.join(PHASES)} |",
        f"|---|{'---:|' * (1 + len(PHASES))}",
        *rows,
        format_row("sum", sum(spans), *sums),
        f"\nThe run took {whole:.0f} s, {whole - sum(spans):.0f} s of it between steps; "
        f"{whole / sums[PHASES.index('own work')]:.2f} times its steps' own work.",
    ]


def read_times(node: dict[str, Any]) -> Times:
    """Read the times of a pod."""
    selector = f"workflows.argoproj.io/workflow={node['name'].partition('.')[0]}"
    (pod,) = (
        pod
        for pod in kube.get("pods", "--selector", selector)["items"]
        if pod["metadata"]["annotations"]["workflows.argoproj.io/node-id"] == node["id"]
    )
    status = pod["status"]
    (scheduled,) = (one["lastTransitionTime"] for one in status["conditions"] if one["type"] == "PodScheduled")
    ended = {one["name"]: one["state"]["terminated"] for one in status["containerStatuses"]}
    (init,) = (one["state"]["terminated"]["startedAt"] for one in status["initContainerStatuses"])
    lines = kube.kubectl("logs", pod["metadata"]["name"], "--container=main").splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{")]  # Argo's executor logs here too
    (working,) = (line["time"] for line in records if line["message"] == "started")
    (worked,) = (line["time"] for line in records if line["message"] == "finished")
    at = (pod["metadata"]["creationTimestamp"], scheduled, init, ended["main"]["startedAt"], working, worked)
    return Times(*map(to_unix_time, (*at, ended["wait"]["finishedAt"])))


def to_unix_time(time: str) -> float:
    """Convert an ISO 8601 time to Unix time."""
    return datetime.fromisoformat(time).timestamp()


def format_row(name: str, *values: float) -> str:
    """Format a row of the table."""
    return f"| {name} | {' | '.join(f'{value:.1f}' for value in values)} |"
