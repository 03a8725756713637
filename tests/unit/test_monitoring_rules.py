"""Alerts have runbooks and cases that fire and are silent; what they and the dashboards name is exported."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from monitoring import rules
from monitoring.__main__ import main
from monitoring.panels import DASHBOARDS
from steps.serve import metrics as service
from tests.support import manifests
from tests.support.promql import Selector, find_selectors
from tests.support.promtool import run_promtool
from tests.support.schemas import ROLLOUTS, faults, source

RUNBOOKS = manifests.ROOT / "docs" / "runbooks"
TESTS = sorted(rules.FOLDER.glob("*.test.yaml"))
ALERTS = {rule["alert"]: rule for rule in rules.load_alerts()}
SECTIONS = ["## What it means", "## What to look at", "## What to do", "## How to know that it is over"]
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
SCRAPED = {"job", "instance", "namespace", "pod", "rollouts_pod_template_hash"}
"""Labels that Prometheus adds to whatever it scrapes."""

COUNTED = re.compile(r"increase\((pr_sentinel_\w+_total)(?:\{([^}]*)\})?\[")
MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
EXPORTED = "from steps.serve import metrics; print(metrics.render('')[0].decode())"
"""A program that prints what a service exports before its first request."""
Names = dict[str, set[str]]
"""Metrics, and their labels."""


def service_names() -> Names:
    """What the service exports."""
    return {
        f"{metric._name}{suffix}": {*metric._labelnames, *(["le"] if suffix == "_bucket" else [])}
        for metric in vars(service).values()
        if isinstance(metric, MetricWrapperBase)
        for suffix in SUFFIXES[str(metric._type)]
    }


def step_names() -> Names:
    """What Argo's controller exports for the steps: counters without a suffix, as it was recorded on a cluster."""
    suffixes = SUFFIXES | {"counter": ("",)}
    return {
        f"argo_workflows_{metric['name']}{suffix}": {label["key"] for label in metric.get("labels", ())} | {"le"}
        for template in manifests.of_kind("WorkflowTemplate")
        for step in template["spec"]["templates"]
        for metric in step.get("metrics", {}).get("prometheus", ())
        for kind in SUFFIXES
        if kind in metric
        for suffix in suffixes[kind]
    }


def rollout_names() -> Names:
    """What the controller of Argo Rollouts exports for Rollouts, by its source."""
    text = (source(ROLLOUTS) / "controller" / "metrics" / "prommetrics.go").read_text("utf-8")
    found = re.findall(r'NewDesc\(\s*"(\w+)",\s*"[^"]*",\s*(.*?),\s*nil', text, re.DOTALL)
    return {name: {"namespace", "name", *re.findall(r'"(\w+)"', labels)} for name, labels in found}


def expressions() -> Iterable[tuple[str, str]]:
    """Every query of the rules, the dashboards and the analyses, and whose it is."""
    for group in rules.load_groups():
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard.panels:
            yield from ((f"{name}: {panel.title}", query) for query in panel.queries.values())
    for template in manifests.of_kind("AnalysisTemplate"):
        for metric in template["spec"]["metrics"]:
            if "prometheus" in metric["provider"]:
                yield metric["name"], metric["provider"]["prometheus"]["query"].replace("{{args.pod-hash}}", "hash")


def unknown(selectors: Iterable[Selector], known: Mapping[str, set[str]]) -> list[str]:
    """What of these is exported by nobody."""
    return [
        f"{one.metric}: {label or 'no such metric'}"
        for one in selectors
        for label in ((one.labels - known[one.metric] - SCRAPED) if one.metric in known else [""])
    ]


def test_prometheus_reads_the_rules() -> None:
    """Without a finding of its linter."""
    done = run_promtool("check", "rules", "--lint=all", "--lint-fatal", rules.RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_alerts_fire_by_their_cause_and_are_silent_without_it(path: Path) -> None:
    """Prometheus' own engine evaluates the rules over synthetic series."""
    done = run_promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_has_cases_that_fire_and_cases_that_are_silent(alert: str) -> None:
    """An alert that nobody has seen fire may never do so; one that nobody has seen silent may be noise."""
    cases = [
        expected["exp_samples"]
        for path in TESTS
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for expected in test["promql_expr_test"]
        if f'alertname="{alert}"' in expected["expr"]
    ]
    assert any(cases)
    assert not all(cases)


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_has_a_runbook(alert: str) -> None:
    """By the alert's name, with what one needs at night, in the order in which one needs it."""
    text = (RUNBOOKS / f"{alert}.md").read_text("utf-8")
    assert text.startswith(f"# {alert}\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == SECTIONS
    assert ALERTS[alert]["annotations"]["runbook_url"].endswith(f"/docs/runbooks/{alert}.md")
    assert ALERTS[alert]["labels"]["severity"] in {"critical", "warning"}


def test_each_runbook_belongs_to_an_alert() -> None:
    """Else nobody is sent to it."""
    assert {path.stem for path in RUNBOOKS.glob("PRSentinel*.md")} == set(ALERTS)


@pytest.mark.parametrize(("whose", "expression"), list(expressions()), ids=lambda value: value[:40])
def test_every_metric_and_label_of_a_query_is_exported(whose: str, expression: str) -> None:
    """By the service, by Argo's controllers, by Prometheus itself, or by a rule before."""
    recorded: Names = {
        rule["record"]: set() for group in rules.load_groups() for rule in group["rules"] if "record" in rule
    }
    known = service_names() | step_names() | recorded | {"up": set()}
    selectors = find_selectors(expression)
    if any(one.metric.startswith("rollout_") for one in selectors):
        known |= rollout_names()
    assert selectors or expression.startswith("vector("), whose
    assert unknown(selectors, known) == []


def test_a_metric_or_label_that_nobody_exports_is_found() -> None:
    """Else the test above shows nothing."""
    query = (
        'sum by (version) (rate(pr_sentinel_flagged_total[5m])) / sum(pr_sentinel_scored_total{repository="a/b"}) > 1'
    )
    assert unknown(find_selectors(query), service_names()) == [
        "pr_sentinel_flagged_total: no such metric",
        "pr_sentinel_scored_total: repository",
    ]


def test_the_rendered_files_are_current() -> None:
    """`make render` writes it."""
    assert main(["--check"]) == 0


def test_what_the_operator_of_prometheus_gets_is_valid() -> None:
    """By its resource definitions."""
    for path in (rules.RENDERED, rules.RENDERED.with_name("pod-monitors.yaml")):
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            assert faults(document) == []


def test_the_operator_of_prometheus_distinguishes_revisions_of_the_service() -> None:
    """Else the analysis after a promotion finds nothing of its revision, and every release waits."""
    text = rules.RENDERED.with_name("pod-monitors.yaml").read_text("utf-8")
    (monitor,) = (one for one in yaml.safe_load_all(text) if one["metadata"]["name"] == "model-serving")
    pod = manifests.serving()
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in {port["name"] for one in pod["spec"]["containers"] for port in one["ports"]}
    analysis = (manifests.ROOT / "rollouts" / "analysis" / "post-promotion.yaml").read_text("utf-8")
    (label,) = set(re.findall(r'(\w+)="{{args\.pod-hash}}"', analysis))
    assert label in {name.replace("-", "_") for name in monitor["spec"]["podTargetLabels"]}


def test_a_ratio_that_a_rule_records_is_written_nowhere_else() -> None:
    """Alerts and dashboards take it from the rule, so that they can't differ."""
    found = [rule for group in rules.load_groups() for rule in group["rules"]]
    recorded = {rule["record"]: "".join(rule["expr"].split()) for rule in found if "record" in rule}
    queries = [rule["expr"] for rule in found if "alert" in rule]
    queries += [query for board in DASHBOARDS.values() for panel in board.panels for query in panel.queries.values()]
    assert len(recorded) >= 5
    assert {name for name in recorded if not any(name in query for query in queries)} == set()
    assert [text for query in queries for text in recorded.values() if text in "".join(query.split())] == []


def is_matched(labels: Mapping[str, str], matchers: str) -> bool:
    """Return whether a series with these labels is selected."""
    found: dict[str, Callable[[str, str], bool]] = {
        "=": lambda value, wanted: value == wanted,
        "!=": lambda value, wanted: value != wanted,
        "=~": lambda value, wanted: bool(re.fullmatch(wanted, value)),
    }
    return all(found[how](labels[name], wanted) for name, how, wanted in MATCHER.findall(matchers))


def test_what_alerts_count_is_exported_before_it_happens() -> None:
    """Where a series begins with its first events, Prometheus sees no increase: a burst of them would be silent."""
    done = subprocess.run([sys.executable, "-c", EXPORTED], cwd=manifests.ROOT, capture_output=True, check=True)
    families: Iterable[Any] = text_string_to_metric_families(done.stdout.decode())
    samples = [one for family in families for one in family.samples]
    asked = [found for rule in ALERTS.values() for found in COUNTED.findall(rule["expr"])]
    assert len(asked) >= 7
    for metric, matchers in asked:
        begun = [one for one in samples if one.name == metric and is_matched(one.labels, matchers)]
        assert begun, f"{metric}{{{matchers}}}"
        assert {one.value for one in begun} == {0.0}


def test_every_phase_in_which_a_release_has_stopped_alerts() -> None:
    """By the names that the metric has for them: those of the Rollout's own status are others."""
    text = (source(ROLLOUTS) / "controller" / "metrics" / "rollouts.go").read_text("utf-8")
    phases = set(re.findall(r'RolloutPhase = "(\w+)"', text))
    (named,) = re.findall(r'phase=~"([^"]*)"', ALERTS["PRSentinelReleaseStopped"]["expr"])
    assert phases - set(named.split("|")) == {"Completed", "Progressing", "Paused"}
    assert set(named.split("|")) < phases
