"""The dashboards are few, fit on a screen, and every query of theirs is one that Prometheus understands."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.dashboards import render_dashboards
from monitoring.panels import DASHBOARDS
from tests.support import manifests
from tests.support.promtool import run_promtool

RENDERED: dict[str, Any] = {path.stem: json.loads(text) for path, text in render_dashboards().items()}
INTERVAL = "$__rate_interval"


def test_there_are_at_most_four_of_a_screen_or_two() -> None:
    """More are not looked at."""
    assert len(DASHBOARDS) <= 4
    assert all(4 <= len(dashboard.panels) <= 8 for dashboard in DASHBOARDS.values())


@pytest.mark.parametrize("name", DASHBOARDS)
def test_each_panel_asks_the_chosen_prometheus_and_names_its_lines(name: str) -> None:
    """By letters of their own, without which Grafana shows only one of them."""
    (variable,) = RENDERED[name]["templating"]["list"]
    assert (variable["name"], variable["query"]) == ("datasource", "prometheus")
    for panel, expected in zip(RENDERED[name]["panels"], DASHBOARDS[name].panels, strict=True):
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert {target["legendFormat"]: target["expr"] for target in panel["targets"]} == dict(expected.queries)
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        assert all(target["refId"] for target in panel["targets"])


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_stand_side_by_side_without_a_gap(name: str) -> None:
    """Two in a row, none over another."""
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in RENDERED[name]["panels"]]
    assert places == [(12 * (number % 2), 7 * (number // 2)) for number in range(len(places))]


def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    """As its own tool reads them, with the interval that Grafana fills in."""
    queries = [q for one in DASHBOARDS.values() for panel in one.panels for q in panel.queries.values()]
    records = [{"record": f"query_{n}", "expr": q.replace(INTERVAL, "5m")} for n, q in enumerate(queries)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))
    done = run_promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_cluster_gets_every_dashboard() -> None:
    """In the ConfigMap that Grafana's sidecar looks for."""
    component = yaml.safe_load((manifests.BASE / "monitoring" / "kustomization.yaml").read_text("utf-8"))
    (config_map,) = component["configMapGenerator"]
    assert {Path(file).stem for file in config_map["files"]} == set(DASHBOARDS)
    assert component["generatorOptions"]["labels"] == {"grafana_dashboard": "1"}
