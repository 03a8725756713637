"""The report: one HTML file that needs nothing else, whatever the titles in it try."""

from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from workflows import change
from workflows.findings import DETECTORS, PLOTS, Findings
from workflows.run_state import Run
from workflows.tables import NAMES, SHOWN

TEMPLATE = "report.html.j2"
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
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(TEMPLATE).render(
        run=run,
        change=change.told(run),
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
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(html(run, findings), "utf-8")
    unfinished.replace(path)
