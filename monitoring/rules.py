"""The rules, and the resource of the Prometheus Operator that holds them."""

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent
RULES = FOLDER / "rules.yaml"
RENDERED = FOLDER.parent / "gitops" / "base" / "monitoring" / "prometheus-rule.yaml"
RUNBOOKS = "https://github.com/pr-sentinel/pr-sentinel/blob/main/docs/runbooks"
HEADER = "# Generated from monitoring/rules.yaml; do not edit: make render\n"
WIDTH = 120

Rule = dict[str, Any]


class RuleDumper(yaml.SafeDumper):  # type: ignore[misc]
    """A dumper of its own: another package may change how the shared one writes text."""


RuleDumper.add_representer(str, yaml.SafeDumper.represent_str)


def load_groups() -> list[dict[str, Any]]:
    """Return the groups of rules; each alert has the URL of its runbook."""
    groups: list[dict[str, Any]] = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    for rule in (rule for group in groups for rule in group["rules"] if "alert" in rule):
        rule["annotations"]["runbook_url"] = f"{RUNBOOKS}/{rule['alert']}.md"
    return groups


def load_alerts() -> list[Rule]:
    """Return the rules that alert."""
    return [rule for group in load_groups() for rule in group["rules"] if "alert" in rule]


def render() -> str:
    """Render the PrometheusRule."""
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "pr-sentinel", "namespace": "pr-sentinel"},
        "spec": {"groups": load_groups()},
    }
    text: str = yaml.dump(rule, Dumper=RuleDumper, sort_keys=False, width=WIDTH, allow_unicode=True)
    return HEADER + text
