"""The CronWorkflow, which runs the pipeline every night."""

from hera.workflows import CronWorkflow
from hera.workflows.models import WorkflowTemplateRef

from workflows.pipeline import LABELS, NAME


def build_cron_workflow() -> CronWorkflow:
    """Build the nightly run, of which there is never more than one; each cluster patches in its own repositories."""
    return CronWorkflow(
        name=NAME,
        labels=LABELS,
        # Not on the hour, when many other jobs start.
        schedules=["17 2 * * *"],
        # UTC needs no time zone database, which not every controller has.
        timezone="UTC",
        concurrency_policy="Forbid",
        # A controller that was down for up to an hour still starts the night's run.
        starting_deadline_seconds=3_600,
        successful_jobs_history_limit=3,
        failed_jobs_history_limit=7,
        workflow_template_ref=WorkflowTemplateRef(name=NAME),
    )
