"""The HTML report: the findings of a run, and how far to trust them."""

from base64 import b64encode
from pathlib import Path

from local import pages
from local.engine.run_state import WorkflowRun
from local.report import changes
from local.report.findings import DETECTORS, PLOTS, Findings
from local.report.tables import DETECTOR_NAMES, MAX_SHOWN

TEMPLATE = "report/report.html.j2"
COLUMNS = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "f1": "F1",
    "recall_at_1": "recall in the top 1 %",
    "recall_at_5": "top 5 %",
    "recall_at_10": "top 10 %",
}


def render(run: WorkflowRun, findings: Findings) -> str:
    """Render the page; every value is escaped."""
    return pages.render(
        TEMPLATE,
        run=run,
        change=changes.summarise_changes(run),
        unusual=findings.unusual,
        shown=MAX_SHOWN,
        evaluation=findings.evaluation,
        votes=findings.votes,
        plots=[(PLOTS[name], b64encode(image).decode()) for name, image in findings.plots.items()],
        columns=COLUMNS,
        detectors=DETECTORS,
        names=DETECTOR_NAMES,
    )


def write(run: WorkflowRun, findings: Findings, path: Path) -> None:
    """Write the page atomically."""
    pages.write(render(run, findings), path)
