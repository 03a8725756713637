"""The report: one HTML file that shows what a run has found, and how far to trust it."""

from base64 import b64encode
from pathlib import Path

from local import pages
from local.engine.run_state import Run
from local.report import changes
from local.report.findings import DETECTORS, PLOTS, Findings
from local.report.tables import NAMES, SHOWN

TEMPLATE = "report/report.html.j2"
COLUMNS = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "f1": "F1",
    "recall_at_1": "recall in the top 1 %",
    "recall_at_5": "top 5 %",
    "recall_at_10": "top 10 %",
}


def html(run: Run, findings: Findings) -> str:
    """The whole page; every value is escaped."""
    return pages.filled(
        TEMPLATE,
        run=run,
        change=changes.told(run),
        unusual=findings.unusual,
        shown=SHOWN,
        evaluation=findings.evaluation,
        plots=[(PLOTS[name], b64encode(image).decode()) for name, image in findings.plots.items()],
        columns=COLUMNS,
        detectors=DETECTORS,
        names=NAMES,
    )


def write(run: Run, findings: Findings, path: Path) -> None:
    """Write the page in one move."""
    pages.write(html(run, findings), path)
