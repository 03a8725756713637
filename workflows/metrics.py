"""What Argo's controller tells Prometheus of each step; it puts `argo_workflows_` before every name."""

from hera.workflows import Counter, Gauge, Histogram
from hera.workflows.metrics import Label
from hera.workflows.models import Amount

SECONDS = (1, 5, 15, 60, 300, 900, 3_600, 14_400)
SUCCEEDED = "{{status}} == Succeeded"


def seconds(step: str) -> Histogram:
    """How long a step took."""
    return Histogram(
        name="pr_sentinel_step_seconds",
        help="Seconds that a step took, by how it ended.",
        labels=[Label(key="step", value=step), Label(key="status", value="{{status}}")],
        value="{{duration}}",
        buckets=[Amount(root=bound) for bound in SECONDS],
    )


def _output(name: str, default: str) -> str:
    """An output, or the default after a failure, when there are none and a plain reference would be an error.

    Argo works an expression out as soon as it can; `retries`, known at the end only, keeps it waiting.
    """
    return f'{{{{=$env?.retries != nil ? $env?.outputs?.parameters?.{name} ?? "{default}" : "{default}"}}}}'


def gauge(name: str, text: str, output: str) -> Gauge:
    """The latest value of an output."""
    return Gauge(name=name, help=text, realtime=False, value=_output(output, "0"), when=SUCCEEDED)


def counter(name: str, text: str, output: str) -> Counter:
    """The sum of an output over all runs."""
    return Counter(name=name, help=text, value=_output(output, "0"), when=SUCCEEDED)


FETCH = [
    counter("pr_sentinel_pull_requests_fetched", "Pull requests that were new.", "fetched"),
    counter("pr_sentinel_pull_requests_updated", "Pull requests that had changed.", "updated"),
    counter("pr_sentinel_pull_requests_quarantined", "Documents that can't be pull requests.", "quarantined"),
    counter("pr_sentinel_github_requests", "Requests to GitHub.", "requests"),
]
PREPROCESS = [
    gauge("pr_sentinel_dataset_rows", "Rows of the latest dataset.", "rows"),
    gauge("pr_sentinel_rejected_share", "The share of documents that the latest dataset left out.", "rejected_share"),
]
TRAIN = [gauge("pr_sentinel_average_precision", "Average precision of the latest training.", "average_precision")]
REGISTER: list[Counter | Gauge] = [
    Counter(
        name="pr_sentinel_decisions",
        help="What the gate decided.",
        labels=[Label(key="decision", value=_output("decision", "none"))],
        value="1",
        when=SUCCEEDED,
    ),
    Gauge(
        name="pr_sentinel_model_accepted_timestamp_seconds",
        help="Start of the run that the champion comes from, in Unix time: the model's age is time() less this.",
        realtime=False,
        value="{{workflow.creationTimestamp.s}}",
        when=f"{_output('decision', 'none')} == accepted",
    ),
]
