"""What would have been flagged among the last pull requests of a repository, so that a maintainer can decide."""

import os
from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from local.backtest.result import SEEN, Backtest, Flagged
from local.services import embedded
from steps.common.repository_name import check_repository_name
from steps.packaging.champion import no_champion_error

SHOWN = 25


def run(repository: str, last: int, weekly: int, state: Path, console: Console) -> None:
    """Show what would have been flagged, and write the page.

    Raises:
        ConfigurationError: `repository` does not have the form owner/name.
        NotFound: there is no champion, or its dataset has no such repository.
        SentinelError: something that is needed is missing or broken.
    """
    check_repository_name(repository)
    if "MLFLOW_URI" not in os.environ and not (state / "mlflow.db").is_file():
        raise no_champion_error()
    from local.backtest import page, source

    with embedded.kept(state) as settings:
        found = source.gather(repository, last, weekly, settings)
    path = page.write(found, state)
    show(found, console)
    console.print(f"The plots and all else: {path} in a browser", soft_wrap=True, markup=False)


def show(backtest: Backtest, console: Console) -> None:
    """Print the flagged ones and what they come to."""
    if backtest.flagged:
        console.print(table(backtest))
    if (more := len(backtest.flagged) - SHOWN) > 0:
        console.print(f"… and {more} older ones.")
    for sentence in summary(backtest):
        console.print(sentence, soft_wrap=True, markup=False)


def table(backtest: Backtest) -> Table:
    """The flagged ones, the newest first."""
    found = Table(title=f"Flagged in {backtest.repository}", title_justify="left", show_lines=True, expand=True)
    found.add_column("opened", no_wrap=True)
    found.add_column("pull request", ratio=2)
    found.add_column("score", justify="right", no_wrap=True)
    found.add_column("why", ratio=3)
    for entry in backtest.flagged[::-1][:SHOWN]:
        found.add_row(*_row(entry))
    return found


def _row(entry: Flagged) -> tuple[Group, Group, Group, Text]:
    alert = Text("alert" if entry.told else "held back", "" if entry.told else "dim")
    return (
        Group(Text(entry.created_at[:10]), Text(f"#{entry.number}", "dim"), alert),
        Group(Text(entry.title or "(no title)"), Text(entry.url, "dim", overflow="fold")),
        Group(Text(f"{entry.score:.2f}"), Text(entry.level, "bold red" if entry.level == "high" else "yellow")),
        Text("\n".join(f"• {reason}" for reason in entry.reasons)),
    )


def summary(backtest: Backtest) -> list[str]:
    """A few sentences: how many, how often, what the model knew, and what another budget would give."""
    count, flagged = len(backtest.opened), len(backtest.flagged)
    first, newest = (backtest.opened[place].at.date() for place in (0, -1))
    known = (f"{some:,} of the {all_of:,} that {SEEN[split]}" for split, (all_of, some) in backtest.splits.items())
    others = (f"{budget.flagged:,} at {percent(budget.share)}" for budget in backtest.budgets if not budget.own)
    sentences = [
        f"Flagged {flagged:,} of {count:,} ({percent(backtest.share)}), opened from {first} to {newest}: "
        f"{backtest.how_often(flagged)}. "
        f"With {_alerts(backtest.weekly)} a week, {backtest.told:,} would be raised, {backtest.held_back:,} held back.",
        f"Above {backtest.threshold:.2f} by model version {backtest.version}: {', '.join(known)}.",
        f"Its alert budget is {percent(backtest.alert_budget)} of pull requests; others would flag "
        f"{', '.join(others)}.",
    ]
    if count < backtest.asked:
        sentences.insert(0, f"The dataset has only {count:,} pull requests of {backtest.repository}: all are taken.")
    return sentences


def percent(share: float) -> str:
    """A share in words: `1.5 %`."""
    return f"{100 * share:.1f} %"


def _alerts(count: int) -> str:
    return f"at most {count} alert{'' if count == 1 else 's'}" if count else "no alerts"
