"""The report of a comparison: JSON for programs and a page for people, in the store."""

import json
from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import NamedTuple

from steps.common.errors import NotFound
from steps.common.store import Store
from steps.monitor.comparison import DriftComparison, Verdict
from steps.monitor.decision import TrainingDecision

FOLDER = "drift"
REQUEST = f"{FOLDER}/request.json"
"""When drift last led to a training, and which."""
TIME = "%Y%m%dT%H%M%S.%fZ"
MAX_MOVEMENTS = 10
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #ccc}"
)


class DriftReport(NamedTuple):
    """What was compared, when, with which champion, and what follows from it."""

    made_at: datetime
    version: str
    verdict: Verdict
    reason: str
    comparisons: Sequence[DriftComparison]
    decision: TrainingDecision
    workflow: str


def write(store: Store, report: DriftReport) -> str:
    """Write a report in both forms, and return the URI of the page; an identical one is only replaced."""
    key = f"{FOLDER}/{report.made_at:{TIME}}"
    store.write(f"{key}.json", f"{json.dumps(_to_json(report), indent=1)}\n".encode())
    store.write(f"{key}.html", render(report).encode())
    return f"{store.url}/{key}.html"


def read_requested_at(store: Store) -> datetime | None:
    """Return when drift last led to a training."""
    try:
        return datetime.fromisoformat(json.loads(store.read(REQUEST))["requested_at"])
    except NotFound:
        return None


def write_request(store: Store, now: datetime, workflow: str) -> None:
    """Record that drift has led to a training."""
    store.write(REQUEST, json.dumps({"requested_at": now.isoformat(), "workflow": workflow}).encode())


def render(report: DriftReport) -> str:
    """Render the page; it contains no text of a pull request."""
    rows = "".join(_render_row(comparison) for comparison in report.comparisons)
    retrain = f"Training was started: {report.workflow}." if report.decision.retrain else "No training was started:"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Drift</title>'
        f"<style>{STYLE}</style><h1>Drift: {report.verdict}</h1>"
        f"<p>{report.made_at:%Y-%m-%d %H:%M} UTC, version {escape(report.version)}. {escape(retrain)} "
        f"{escape(report.decision.reason)}.</p>"
        "<table><tr><th>repository<th>result<th>recent<th>reference<th>what has moved, or why nothing is known</tr>"
        f"{rows}</table></html>\n"
    )


def _render_row(comparison: DriftComparison) -> str:
    moved = "<br>".join(
        f"{escape(one.quantity)}: {one.distance:.2f}, usual up to {one.limit:.2f}"
        for one in comparison.movements[:MAX_MOVEMENTS]
    )
    return (
        f"<tr><td>{escape(comparison.repository)}<td>{comparison.verdict}<td>{comparison.recent}"
        f"<td>{comparison.reference}<td>{moved or escape(comparison.reason)}</tr>"
    )


def _to_json(report: DriftReport) -> dict[str, object]:
    return {
        "made_at": report.made_at.isoformat(),
        "version": report.version,
        "verdict": report.verdict,
        "reason": report.reason,
        "retrain": report.decision.retrain,
        "decision": report.decision.reason,
        "workflow": report.workflow,
        "comparisons": [
            {**one._asdict(), "movements": [movement._asdict() for movement in one.movements]}
            for one in report.comparisons
        ],
    }
