"""Tables of the figures for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.detection.evaluation import ALL
from benchmarks.detection.scoring import LOW_EFFORT, PRODUCT

Figures = Mapping[str, Any]

OWN = (PRODUCT, LOW_EFFORT)
MODES = {"time_split": "Later quarter of repositories trained on", "left_out": "Later quarter of repositories left out"}
RANKING = ("average_precision", "recall_at_1", "recall_at_5", "recall_at_10")
OUTCOMES = ("roc_auc", "average_precision", "recall_at_1", "precision_at_1", "recall_at_5", "precision_at_5")
HEADS = {
    "average_precision": "AP",
    "roc_auc": "AUC",
    "recall_at_1": "R@1 %",
    "recall_at_5": "R@5 %",
    "recall_at_10": "R@10 %",
    "precision_at_1": "P@1 %",
    "precision_at_5": "P@5 %",
}


def show(result: Figures, console: Console) -> None:
    """Print every table of a result, and the alerts."""
    for mode, figures in result["modes"].items():
        console.rule(MODES[mode])
        injected = figures["injected"]
        if injected:
            console.print(_detectors("Injected, all kinds", injected[ALL], RANKING))
            console.print(_kinds(injected))
        for name in ("spam", "reverts"):
            console.print(_detectors(name.capitalize(), figures[name], OUTCOMES))
        console.print(_build_flagged_table(figures["flagged"]))
        console.print(_reasons(figures["reasons"]))
        console.print(_agreement(figures["agreement"]))
    _print_alerts(result["alerts"], console)


def format_estimate(estimate: Figures | None) -> str:
    """Format a figure with its interval: `0.38 [0.30 0.43]`; a hyphen for none."""
    if estimate is None:
        return "-"
    if estimate["low"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} [{estimate['low']:.3f} {estimate['high']:.3f}]"


def _detectors(title: str, task: Figures, names: Sequence[str]) -> Table:
    table = Table(title=f"{title}: {task['positives']:,} among {task['negatives']:,}", title_justify="left")
    for head in ("detector", *(HEADS[name] for name in names)):
        table.add_column(head, no_wrap=True)
    for detector, figures in task["detectors"].items():
        style = "bold" if detector == PRODUCT else ""
        table.add_row(detector, *(format_estimate(figures[name]) for name in names), style=style)
    return table


def _kinds(injected: Figures) -> Table:
    table = Table(title="Injected, by kind", title_justify="left")
    for head in ("kind", "injected", "AP", "R@1 %", "R@5 %", "best alternative by AP"):
        table.add_column(head, no_wrap=True)
    for kind, task in injected.items():
        own = task["detectors"][PRODUCT]
        others = {name: figures["average_precision"] for name, figures in task["detectors"].items() if name not in OWN}
        best = max((name for name in others if others[name]), key=lambda name: others[name]["value"], default=None)
        other = f"{best} {format_estimate(others[best])}" if best else "-"
        shown = (format_estimate(own[name]) for name in ("average_precision", "recall_at_1", "recall_at_5"))
        table.add_row(kind, f"{task['positives']:,}", *shown, other)
    return table


def _build_flagged_table(flagged: Figures) -> Table:
    table = Table(title="Share flagged", title_justify="left")
    for head in ("repository", "later", "budget", "flagged", "worst 1,000", "times budget", "lowest 1,000"):
        table.add_column(head, no_wrap=True)
    for name, own in flagged["repositories"].items():
        if own["share"] is not None:
            budget, highest = own["budget"], own["highest"]
            shown = (f"{budget:.1%}", f"{own['share']['value']:.2%}", f"{highest:.2%}", f"{highest / budget:.1f}")
            table.add_row(name, f"{own['later']:,}", *shown, f"{own['lowest']:.2%}")
    for name, share in flagged["detectors"].items():
        table.add_row(f"all, {name}", "", "", f"{share['value']:.2%}" if share else "-", "", "", "", style="dim")
    return table


def _reasons(reasons: Figures) -> Table:
    table = Table(title='Truth of "about one in N" and "fewer than one in N"', title_justify="left")
    for head in ("feature", "statements", "too few to judge", "true of the others", "worst found / expected"):
        table.add_column(head, no_wrap=True)
    rows = {**reasons["features"], ALL: {**reasons, "worst_ratio": None}}
    for name, own in sorted(rows.items(), key=lambda item: (item[0] == ALL, item[1]["true_share"] or 0)):
        true, worst = own["true_share"], own["worst_ratio"]
        shown = ("-" if true is None else f"{true:.0%}", "" if worst is None else f"{worst:.2f}")
        table.add_row(name, f"{own['statements']:,}", f"{own['unjudged']:,}", *shown)
    alerts = reasons["alerts"]
    table.add_row(
        "first reasons of alerts that state a rarity",
        f"{alerts['rarity']['cases'] + alerts['rarity_unjudged']:,} of {alerts['alerts']:,}",
        f"{alerts['rarity_unjudged']:,}",
        format_estimate(alerts["rarity"]["share"]),
        "",
        style="bold",
    )
    bounds = alerts["bound"]
    cases = f"{bounds['cases']:,} of {alerts['alerts']:,}"
    name = 'first reasons of alerts that state "99 % change at most"'
    table.add_row(name, cases, "", format_estimate(bounds["share"]), "", style="bold")
    return table


def _agreement(agreement: Figures) -> Table:
    table = Table(title="First reason names what was injected, among those found at the budget", title_justify="left")
    for head in ("kind", "found", "agrees"):
        table.add_column(head, no_wrap=True)
    for kind, own in agreement.items():
        table.add_row(kind, f"{own['cases']:,}", format_estimate(own["share"]))
    return table


def _print_alerts(alerts: Sequence[Figures], console: Console) -> None:
    for place, alert in enumerate(alerts, 1):
        console.print(
            f"{place:3}. {alert['url']}  {alert['score']:.2f}  {alert['author']}: {alert['title']}", markup=False
        )
        for reason in alert["reasons"]:
            console.print(f"       {reason}", markup=False)
