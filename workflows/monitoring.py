"""The WorkflowTemplate that compares recent pull requests with those that the served model knows."""

from hera.workflows import DAG, Parameter, Task, WorkflowTemplate

from steps.monitor.step import MonitorInput, monitor
from workflows import containers, executor, metrics
from workflows.containers import build_container
from workflows.pipeline import HOUR_SECONDS, NAME, build_template, pass_parameters

MONITOR_NAME = f"{NAME}-monitor"


def build_monitoring() -> WorkflowTemplate:
    """Build the WorkflowTemplate, whose one step may start the pipeline."""
    cool_down = Parameter(
        name="cool_down_hours",
        value=MonitorInput.model_fields["cool_down_hours"].default,
        description="Hours after a training because of drift in which there is no other.",
    )
    alias = Parameter(
        name="alias",
        value=MonitorInput.model_fields["alias"].default,
        description="Alias of the version that this cluster serves, which pull requests are compared with.",
    )
    with build_template(MONITOR_NAME, arguments=[cool_down, alias], active_deadline_seconds=HOUR_SECONDS) as template:
        step = build_container(monitor, containers.MONITOR, metrics.MONITOR, pod_patch=executor.API_CLIENT_PATCH)
        with DAG(name="main"):
            Task(name="monitor", template=step, arguments=pass_parameters("cool_down_hours", "alias"))
    return template
