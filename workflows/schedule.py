"""The CronWorkflow: the pipeline every night."""

from hera.workflows import CronWorkflow
from hera.workflows.models import WorkflowTemplateRef

from workflows.pipeline import LABELS, NAME


def schedule() -> CronWorkflow:
    """Nightly, never two at once; which repositories it follows is each cluster's own, as a patch of its arguments."""
    return CronWorkflow(
        name=NAME,
        labels=LABELS,
        # Not on the hour, when everybody else's jobs start.
        schedules=["17 2 * * *"],
        # The one zone that is known without a time zone database, which not every controller has.
        timezone="UTC",
        concurrency_policy="Forbid",
        # A controller that was away for up to an hour still starts the night's run.
        starting_deadline_seconds=3_600,
        successful_jobs_history_limit=3,
        failed_jobs_history_limit=7,
        workflow_template_ref=WorkflowTemplateRef(name=NAME),
    )
