"""The metrics that Argo's controller exports for each step; it prefixes every name with `argo_workflows_`."""

from hera.workflows import Counter, Gauge, Histogram
from hera.workflows.metrics import Label
from hera.workflows.models import Amount

BUCKET_SECONDS = (1, 5, 15, 60, 300, 900, 3_600, 14_400)
SUCCEEDED = "{{status}} == Succeeded"


def build_step_histogram(step: str) -> Histogram:
    """Build the histogram of a step's duration."""
    return Histogram(
        name="pr_sentinel_step_seconds",
        help="Seconds that a step took, by how it ended.",
        labels=[Label(key="step", value=step), Label(key="status", value="{{status}}")],
        value="{{duration}}",
        buckets=[Amount(root=bound) for bound in BUCKET_SECONDS],
    )


def _format_output(name: str, default: str) -> str:
    """Return an expression for an output, or for the default after a failure, when a plain reference is an error.

    A step that failed has outputs without values, which are empty texts here. Argo evaluates an expression as soon as
    it can; the reference to `retries`, known only at the end, delays that.
    """
    output = f"$env?.outputs?.parameters?.{name}"
    return f'{{{{=$env?.retries != nil && ({output} ?? "") != "" ? {output} : "{default}"}}}}'


def build_gauge(name: str, description: str, output: str) -> Gauge:
    """Build a gauge of the latest value of an output."""
    return Gauge(name=name, help=description, realtime=False, value=_format_output(output, "0"), when=SUCCEEDED)


def build_counter(name: str, description: str, output: str) -> Counter:
    """Build a counter of the sum of an output over all runs."""
    return Counter(name=name, help=description, value=_format_output(output, "0"), when=SUCCEEDED)


FETCH = [
    build_counter("pr_sentinel_pull_requests_fetched", "Pull requests that were new.", "fetched"),
    build_counter("pr_sentinel_pull_requests_updated", "Pull requests that had changed.", "updated"),
    build_counter("pr_sentinel_pull_requests_quarantined", "Documents that can't be pull requests.", "quarantined"),
    build_counter("pr_sentinel_github_requests", "Requests to GitHub.", "requests"),
]
PREPROCESS = [
    build_gauge("pr_sentinel_dataset_rows", "Rows of the latest dataset.", "rows"),
    build_gauge("pr_sentinel_rejected_share", "The share of documents that can't be pull requests.", "rejected_share"),
]
TRAIN = [build_gauge("pr_sentinel_average_precision", "Average precision of the latest training.", "average_precision")]
CONCLUDE = [
    Gauge(
        name="pr_sentinel_run_succeeded_timestamp_seconds",
        help="Start of the latest run that succeeded, in Unix time.",
        realtime=False,
        value="{{workflow.creationTimestamp.s}}",
        when="{{inputs.parameters.status}} == Succeeded",
    ),
    build_gauge(
        "pr_sentinel_refused_tasks", "Tasks of the latest run to which a token, role or key was refused.", "refused"
    ),
]
REGISTER: list[Counter | Gauge] = [
    Counter(
        name="pr_sentinel_decisions",
        help="What the gate decided.",
        labels=[Label(key="decision", value=_format_output("decision", "none"))],
        value="1",
        when=SUCCEEDED,
    ),
    Gauge(
        name="pr_sentinel_model_accepted_timestamp_seconds",
        help="Start of the run that the champion comes from, in Unix time: the model's age is time() less this.",
        realtime=False,
        value="{{workflow.creationTimestamp.s}}",
        when=f"{_format_output('decision', 'none')} == accepted",
    ),
]
MONITOR: list[Counter | Gauge] = [
    build_gauge("pr_sentinel_drifted_repositories", "Repositories whose pull requests have drifted.", "drifted"),
    build_gauge("pr_sentinel_compared_repositories", "Repositories that could be compared.", "compared"),
    Counter(
        name="pr_sentinel_drift_checks",
        help="Comparisons with the champion's reference, by what was found and whether a training was started.",
        labels=[
            Label(key="verdict", value=_format_output("verdict", "none")),
            Label(key="retrain", value=_format_output("retrain", "false")),
        ],
        value="1",
        when=SUCCEEDED,
    ),
    Gauge(
        name="pr_sentinel_drift_checked_timestamp_seconds",
        help="Start of the latest comparison in which a verdict could be reached, in Unix time.",
        realtime=False,
        value="{{workflow.creationTimestamp.s}}",
        when=f"{_format_output('verdict', 'unknown')} != unknown",
    ),
]
