"""The findings of a run in the terminal."""

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from local.report.findings import DETECTORS, Findings, Measures, UnusualPullRequest

MAX_SHOWN = 10
FIGURES = {
    "average_precision": "AP",
    "roc_auc": "ROC AUC",
    "f1": "F1",
    "recall_at_1": "top 1 %",
    "recall_at_5": "top 5 %",
    "recall_at_10": "top 10 %",
}
DETECTOR_NAMES = {
    "model": "this model",
    "isolation_forest": "IsolationForest",
    "ecod": "ECOD",
    "lines_added": "lines added",
}


def show(findings: Findings, console: Console) -> None:
    """Print the most unusual pull requests, and the quality of the scores."""
    console.print(build_unusual_table(findings.unusual[:MAX_SHOWN]))
    title = "Injected anomalies found (AP: average precision; top: recall)"
    console.print(build_measures_table(findings.evaluation.injected["all"], title))
    if findings.evaluation.reverted is not None:
        console.print(
            build_measures_table(
                findings.evaluation.reverted, "The same for pull requests that were actually reverted later"
            )
        )

    for sentence in findings.votes:
        console.print(sentence, soft_wrap=True, markup=False)


def build_unusual_table(entries: list[UnusualPullRequest]) -> Table:
    """Build a table of pull requests with scores and reasons."""
    table = Table(title="The most unusual pull requests", title_justify="left", show_lines=True, expand=True)
    table.add_column("score", justify="right")
    table.add_column("pull request", ratio=2)
    table.add_column("why", ratio=3)
    for entry in entries:
        what = Text(entry.title or "(no title)")
        muted = f" · muted ({entry.muted})" if entry.muted else ""
        where = Text(f"{entry.repository} #{entry.number} · {entry.created_at[:10]}{muted}", "dim")
        address = Text(entry.url, "dim", overflow="fold")
        table.add_row(
            f"{entry.score:.2f}",
            Group(what, where, address),
            Text("\n".join(f"• {reason}" for reason in entry.reasons)),
        )
    return table


def build_measures_table(by_detector: dict[str, Measures], title: str) -> Table:
    """Build a table of the model and the alternatives to it."""
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for words in FIGURES.values():
        table.add_column(words, justify="right")
    for name in DETECTORS:
        if name in by_detector:
            figures = [f"{getattr(by_detector[name], field):.3f}" for field in FIGURES]
            table.add_row(DETECTOR_NAMES[name], *figures, style="bold" if name == "model" else "")
    return table
