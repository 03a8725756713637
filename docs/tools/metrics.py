"""The reference of metrics: those of the service, and those that Argo's controller reports for the steps."""

from collections.abc import Iterable, Sequence

from hera.workflows import Counter, Gauge, Histogram
from hera.workflows.metrics import Label
from prometheus_client import Counter as ServiceCounter
from prometheus_client.metrics import MetricWrapperBase

from docs.tools.markdown import code, page, table
from steps.serve import metrics as service
from workflows import metrics as workflows

PREFIX = "argo_workflows_"
HEADER = ("metric", "type", "labels", "meaning")
StepMetric = Counter | Gauge | Histogram


def render() -> str:
    """Render the page."""
    steps: dict[str, Sequence[StepMetric]] = {
        "every step": [workflows.seconds("{step}")],
        "fetch": workflows.FETCH,
        "preprocess": workflows.PREPROCESS,
        "train": workflows.TRAIN,
        "register": workflows.REGISTER,
    }
    rows = [row for step, found in steps.items() for row in _step_rows(step, found)]
    return page(
        "Metrics",
        "## The service",
        "At `/metrics` of the service, on the same port as everything else. Do not expose the path to the public. "
        "The usual `process_…` metrics of Prometheus' Python client stand beside these.",
        table(HEADER, [_service_row(one) for one in vars(service).values() if isinstance(one, MetricWrapperBase)]),
        "## The steps",
        "Argo's controller reports them at `https://workflow-controller:9090/metrics`.",
        table(("metric", "type", "labels", "step", "meaning"), rows),
    )


def _service_row(metric: MetricWrapperBase) -> list[str]:
    name = f"{metric._name}_total" if isinstance(metric, ServiceCounter) else metric._name
    return [
        code(name),
        str(metric._type),
        ", ".join(code(label) for label in metric._labelnames),
        metric._documentation,
    ]


def _step_rows(step: str, found: Iterable[StepMetric]) -> Iterable[list[str]]:
    for one in found:
        labels = ", ".join(code(label.key) for label in _labels(one))
        yield [code(f"{PREFIX}{one.name}"), type(one).__name__.lower(), labels, step, str(one.help)]


def _labels(metric: StepMetric) -> list[Label]:
    labels = metric.labels or []
    return labels if isinstance(labels, list) else [labels]
