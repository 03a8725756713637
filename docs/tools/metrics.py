"""The reference of metrics: those of the service, and those that Argo's controller reports for the steps."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from docs.tools import template
from docs.tools.markdown import code, page, table
from steps.serve import metrics as service

PREFIX = "argo_workflows_"
KINDS = ("counter", "gauge", "histogram")


def render() -> str:
    """Render the page."""
    return page(
        "Metrics",
        "## The service",
        "At `/metrics` of the service, on the same port as everything else. Do not expose the path to the public. "
        "The usual `process_…` metrics of Prometheus' Python client stand beside these.",
        table(
            ("metric", "type", "labels", "meaning"),
            [_service_row(one) for one in vars(service).values() if isinstance(one, MetricWrapperBase)],
        ),
        "## The steps",
        "Argo's controller reports them at `https://workflow-controller:9090/metrics`.",
        table(("metric", "type", "labels", "steps", "meaning"), _step_rows()),
    )


def _service_row(metric: MetricWrapperBase) -> list[str]:
    name = f"{metric._name}_total" if isinstance(metric, Counter) else metric._name
    return [code(name), str(metric._type), _join(metric._labelnames), metric._documentation]


def _step_rows() -> Iterable[list[str]]:
    steps: dict[str, list[str]] = defaultdict(list)
    metrics: dict[str, Mapping[str, Any]] = {}
    for step in template.spec()["templates"]:
        for metric in step.get("metrics", {}).get("prometheus", ()):
            steps[metric["name"]].append(step["name"])
            metrics[metric["name"]] = metric
    for name, metric in metrics.items():
        kind = next(kind for kind in KINDS if kind in metric)
        labels = _join(label["key"] for label in metric.get("labels", ()))
        yield [code(f"{PREFIX}{name}"), kind, labels, ", ".join(steps[name]), metric["help"]]


def _join(labels: Iterable[str]) -> str:
    return ", ".join(code(label) for label in labels)
