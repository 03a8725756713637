"""A dashboard drawn about as Grafana draws it, to look at where no Grafana is to be had."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from monitoring.panels import DashboardContent, DashboardPanel
from tests.support.prometheus import Line

COLUMNS = 2
PANEL_INCHES = (7.0, 2.7)
AXIS_LABELS = {"s": "seconds", "reqps": "requests/s"}
FEWEST_LABELS = 6
"""A legend with more has a column more."""
GREY = "#666666"


def draw(content: DashboardContent, lines: Mapping[str, Sequence[Line]], path: Path) -> None:
    """Draw a dashboard as a PNG.

    Args:
        content: its panels.
        lines: by the title of a panel; a panel without any says so.
        path: of the picture.
    """
    rows = -(-len(content.panels) // COLUMNS)
    figure = Figure((COLUMNS * PANEL_INCHES[0], rows * PANEL_INCHES[1] + 0.5), layout="constrained", dpi=80)
    figure.suptitle(content.title, x=0.01, ha="left", fontsize=14, fontweight="bold")
    places = figure.subplots(rows, COLUMNS, squeeze=False).flat
    seconds = [second for found in lines.values() for line in found for second in (line.seconds[0], line.seconds[-1])]
    span = np.array([min(seconds, default=0), max(seconds, default=1)], "datetime64[s]")
    with mpl.rc_context({"date.converter": "concise"}):
        for axes, panel in zip(places, content.panels, strict=False):
            _draw_panel(axes, panel, lines.get(panel.title, ()), span)
        for axes in places:
            axes.set_axis_off()
        figure.savefig(path)


def _draw_panel(axes: Axes, panel: DashboardPanel, lines: Sequence[Line], span: NDArray[np.datetime64]) -> None:
    axes.set_title(panel.title, loc="left", fontsize=10, fontweight="bold")
    if not lines:
        axes.text(0.5, 0.5, "No data", ha="center", va="center", color=GREY, transform=axes.transAxes)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    for line in lines:
        moments = np.array(line.seconds, "datetime64[s]")
        axes.plot(moments, line.values, label=line.legend, linewidth=1.4, marker="." if len(moments) == 1 else "")
    axes.set_ylim(bottom=0)
    axes.set_xlim(*span)
    axes.set_ylabel(AXIS_LABELS.get(panel.unit, ""), color=GREY, fontsize=8)
    if panel.unit == "percentunit":
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(labelsize=8, colors=GREY)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    columns = 1 if len(lines) < FEWEST_LABELS else 2
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), fontsize=8, frameon=False, ncols=columns)
