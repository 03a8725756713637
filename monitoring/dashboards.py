"""The dashboards as Grafana imports them, built with its own SDK, and the ConfigMaps that a cluster's Grafana finds."""

import json
from pathlib import Path
from string import ascii_uppercase

from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendPlacement
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef

from monitoring.panels import DASHBOARDS, DashboardContent, DashboardPanel
from monitoring.rules import RENDERED

FOLDER = RENDERED.parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
"""Whichever Prometheus the reader chooses."""
HEIGHT, WIDTH = 7, 12
"""In Grafana's units: two panels in a row, four rows on a laptop's screen."""


def render_dashboards() -> dict[Path, str]:
    """Render every dashboard, by the path of its file."""
    return {FOLDER / f"{name}.json": render(name, content) for name, content in DASHBOARDS.items()}


def render(name: str, content: DashboardContent) -> str:
    """Render one dashboard as JSON."""
    builder = (
        dashboard.Dashboard(content.title)
        .uid(f"pr-sentinel-{name}")
        .tags(["pr-sentinel"])
        .timezone("utc")
        .time(content.since, "now")
        .refresh("1m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for panel in content.panels:
        builder = builder.with_panel(_build_panel(panel))
    return json.dumps(json.loads(JSONEncoder(sort_keys=True).encode(builder.build())), indent=1, sort_keys=True) + "\n"


def _build_panel(panel: DashboardPanel) -> timeseries.Panel:
    builder = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.description)
        .unit(panel.unit)
        .min(0)
        .height(HEIGHT)
        .span(WIDTH)
        .datasource(SOURCE)
        .legend(VizLegendOptions().show_legend(True).placement(LegendPlacement.BOTTOM))
    )
    for letter, (legend, query) in zip(ascii_uppercase, panel.queries.items(), strict=False):
        builder = builder.with_target(prometheus.Dataquery().ref_id(letter).expr(query).legend_format(legend))
    return builder
