"""The contract of monitor: whether recent pull requests still resemble those that the champion knows."""

from typing import Annotated, Literal

from hera.workflows import Parameter, script
from hera.workflows.io import Output

from steps.common.contract import StepInput


class MonitorInput(StepInput):
    """The time after a training because of drift in which there is no other, and the alias of the model to compare.

    It is the version that users get here: `champion` in staging and on one machine, `production` in production.
    """

    cool_down_hours: Annotated[float, Parameter(name="cool_down_hours")] = 168.0
    alias: Annotated[Literal["champion", "production"], Parameter(name="alias")] = "champion"


class MonitorOutput(Output):
    """The compared version, the verdict (`drift`, `stable` or `unknown`), its reason, and what was decided and why.

    `report` is the URI of the page, `drifted` and `compared` are numbers of repositories.
    """

    version: Annotated[str, Parameter(name="version")]
    verdict: Annotated[str, Parameter(name="verdict")]
    reason: Annotated[str, Parameter(name="reason")]
    retrain: Annotated[bool, Parameter(name="retrain")]
    decision: Annotated[str, Parameter(name="decision")]
    report: Annotated[str, Parameter(name="report")]
    drifted: Annotated[int, Parameter(name="drifted")]
    compared: Annotated[int, Parameter(name="compared")]


@script(constructor="runner")
def monitor(given: MonitorInput) -> MonitorOutput:
    """Compare, and start a training if necessary."""
    from steps.common.step_frame import run_step
    from steps.monitor.run import monitor_drift

    with run_step("monitor"):
        return MonitorOutput(**monitor_drift(given.cool_down_hours, given.alias))
