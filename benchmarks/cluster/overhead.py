"""Where the time of a run goes: the steps' own work, and all that lies between and around it."""

import json
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from tests.cluster import kube
from tests.cluster.argo import Run, create, unlike_any_before
from tests.cluster.project import REPOSITORIES, documents, forget

KEPT = {"strategy": "OnWorkflowCompletion", "deleteDelayDuration": "1h"}


class Times(NamedTuple):
    """When each phase of a pod began, and the last one ended, in Unix time: whole seconds, and parts from its log."""

    created: float
    scheduled: float
    init: float
    main: float
    working: float
    worked: float
    ended: float


PHASES = ("scheduled", "pulled and set up", "init", "Python", "own work", "outputs")
"""What lies between each of those times and the next; `init` hands out the inputs, `outputs` takes in the results."""


def kept_run() -> Run:
    """A run over the samples that does all its work, and whose pods stay to be looked at."""
    with documents() as database:
        forget(database, REPOSITORIES)
    given = {"repositories": json.dumps(REPOSITORIES), **unlike_any_before()}
    parameters = [{"name": name, "value": value} for name, value in given.items()]
    template = {"name": "pr-sentinel"}
    run = create({"workflowTemplateRef": template, "arguments": {"parameters": parameters}, "podGC": KEPT})
    return run.succeeded()


def table(run: Run) -> list[str]:
    """A row for each step (where it has several pods: the one that took longest) and one for the whole."""
    steps: dict[str, Times] = {}
    for node in run.nodes():
        if node["type"] == "Pod":
            found, name = times(node), node["templateName"]
            steps[name] = max(found, steps.get(name, found), key=lambda one: one.ended - one.created)
    status = run.described()["status"]
    whole = seconds(status["finishedAt"]) - seconds(status["startedAt"])
    spans = [one.ended - one.created for one in steps.values()]
    phases = [[end - begin for begin, end in pairwise(one)] for one in steps.values()]
    rows = [row(name, span, *each) for name, span, each in zip(steps, spans, phases, strict=True)]
    sums = [sum(column) for column in zip(*phases, strict=True)]
    return [
        f"| step | whole | {' | '.join(PHASES)} |",
        f"|---|{'---:|' * (1 + len(PHASES))}",
        *rows,
        row("sum", sum(spans), *sums),
        f"\nThe run took {whole:.0f} s, {whole - sum(spans):.0f} s of it between steps; "
        f"{whole / sums[PHASES.index('own work')]:.2f} times its steps' own work.",
    ]


def times(node: dict[str, Any]) -> Times:
    """A pod's times."""
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
    said = [json.loads(line) for line in lines if line.startswith("{")]  # Argo's executor speaks here too
    (working,) = (line["time"] for line in said if line["message"] == "started")
    (worked,) = (line["time"] for line in said if line["message"] == "finished")
    at = (pod["metadata"]["creationTimestamp"], scheduled, init, ended["main"]["startedAt"], working, worked)
    return Times(*map(seconds, (*at, ended["wait"]["finishedAt"])))


def seconds(time: str) -> float:
    """Unix time."""
    return datetime.fromisoformat(time).timestamp()


def row(name: str, *values: float) -> str:
    """One line of the table."""
    return f"| {name} | {' | '.join(f'{value:.1f}' for value in values)} |"
