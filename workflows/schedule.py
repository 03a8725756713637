"""The CronWorkflows: the pipeline every night, the comparison with the champion's reference four times a day."""

from hera.workflows import CronWorkflow
from hera.workflows.models import WorkflowTemplateRef

from workflows.monitoring import MONITOR_NAME
from workflows.pipeline import LABELS, NAME


def build_nightly_run() -> CronWorkflow:
    """Build the nightly run; each cluster patches in its own repositories."""
    return _build_cron_workflow(NAME, "17 2 * * *")


def build_drift_check() -> CronWorkflow:
    """Build the comparison, at hours when the nightly run has usually ended."""
    return _build_cron_workflow(MONITOR_NAME, "47 5,11,17,23 * * *")


def _build_cron_workflow(name: str, schedule: str) -> CronWorkflow:
    """Build a CronWorkflow of the WorkflowTemplate by the same name, of which there is never more than one run."""
    return CronWorkflow(
        name=name,
        labels=LABELS,
        # Not on the hour, when many other jobs start.
        schedules=[schedule],
        # UTC needs no time zone database, which not every controller has.
        timezone="UTC",
        concurrency_policy="Forbid",
        # A controller that was down for up to an hour still starts the run.
        starting_deadline_seconds=3_600,
        successful_jobs_history_limit=3,
        failed_jobs_history_limit=7,
        workflow_template_ref=WorkflowTemplateRef(name=name),
    )
