"""What rules and analyses name is what a running service exports, and the backlog of deliveries is measured."""

import time

from prometheus_client.parser import text_string_to_metric_families

from monitoring import rules
from monitoring.panels import DASHBOARDS
from tests.support import manifests, serving
from tests.support.promql import find_selectors

PREFIX = "pr_sentinel_"


def queried() -> set[str]:
    """The service's metrics that a rule, a dashboard or an analysis names."""
    queries = [rule["expr"] for group in rules.load_groups() for rule in group["rules"]]
    queries += [query for one in DASHBOARDS.values() for panel in one.panels for query in panel.queries.values()]
    queries += [
        metric["provider"]["prometheus"]["query"].replace("{{args.pod-hash}}", "hash")
        for template in manifests.of_kind("AnalysisTemplate")
        for metric in template["spec"]["metrics"]
        if "prometheus" in metric["provider"]
    ]
    return {one.metric for query in queries for one in find_selectors(query) if one.metric.startswith(PREFIX)}


def test_a_running_service_exports_every_metric_that_is_queried(service: serving.Running) -> None:
    """By the name under which Prometheus stores it."""
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
    families = text_string_to_metric_families(service.get("/metrics").text)
    exported = {f"{one.name}{suffix}" for one in families for suffix in suffixes.get(one.type, ("",))}
    assert len(queried()) >= 8
    assert queried() <= exported


def test_a_model_has_a_budget_and_an_age(service: serving.Running) -> None:
    """The age of its newest pull request, without a version too."""
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(service.get("/metrics").text)
        for sample in family.samples
    }
    assert 0 < values["pr_sentinel_alert_budget"] < 0.5
    assert 0 < values["pr_sentinel_model_data_timestamp_seconds"] < time.time()
