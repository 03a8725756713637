"""The `backtest` command: the table and the summary in the terminal."""

import os
from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from local.backtest.result import SPLIT_MEANINGS, Backtest, FlaggedPullRequest
from local.services import embedded
from local.shares import CONFIDENCE
from steps.common.repository_name import check_repository_name
from steps.packaging.champion import no_champion_error

MAX_SHOWN = 25


def run(
    repository: str, last: int, weekly: int | None, state: Path, console: Console, config: Path | None = None
) -> None:
    """Show the pull requests that would have been flagged, and write the page.

    Raises:
        ConfigurationError: the name of the repository, or the file with its rules, is not valid.
        NotFound: there is no champion, or its dataset does not contain the repository.
        SentinelError: a service or setting that is needed is missing or broken.
    """
    check_repository_name(repository)
    if "MLFLOW_URI" not in os.environ and not (state / "mlflow.db").is_file():
        raise no_champion_error()
    from local.backtest import page, source

    with embedded.data_services(state) as settings:
        found = source.run_backtest(repository, last, weekly, settings, config)
    path = page.write(found, state)
    show(found, console)
    console.print(f"Open {path} in a browser for plots and details.", soft_wrap=True, markup=False)


def show(backtest: Backtest, console: Console) -> None:
    """Print the flagged pull requests and the summary."""
    if backtest.flagged:
        console.print(build_table(backtest))
    if (more := len(backtest.flagged) - MAX_SHOWN) > 0:
        console.print(f"… and {more} older.")
    for sentence in summarise(backtest):
        console.print(sentence, soft_wrap=True, markup=False)


def build_table(backtest: Backtest) -> Table:
    """Build a table of the flagged pull requests, newest first."""
    found = Table(title=f"Flagged in {backtest.repository}", title_justify="left", show_lines=True, expand=True)
    found.add_column("opened", no_wrap=True)
    found.add_column("pull request", ratio=2)
    found.add_column("score", justify="right", no_wrap=True)
    found.add_column("why", ratio=3)
    for entry in backtest.flagged[::-1][:MAX_SHOWN]:
        found.add_row(*_format_row(entry))
    return found


def _format_row(entry: FlaggedPullRequest) -> tuple[Group, Group, Group, Text]:
    alert = Text(format_alert(entry), "" if entry.alerted else "dim")
    ended = [Text(entry.outcome, "dim")] if entry.outcome else []
    return (
        Group(Text(entry.created_at[:10]), Text(f"#{entry.number}", "dim"), alert, *ended),
        Group(Text(entry.title or "(no title)"), Text(entry.url, "dim", overflow="fold")),
        Group(Text(f"{entry.score:.2f}"), Text(entry.level, "bold red" if entry.level == "high" else "yellow")),
        Text("\n".join(f"• {reason}" for reason in entry.reasons)),
    )


def format_alert(entry: FlaggedPullRequest) -> str:
    """Format what becomes of a flagged pull request: `alert`, `held back`, or `muted (authors)`."""
    if entry.muted:
        return f"muted ({entry.muted})"
    return "alert" if entry.alerted else "held back"


def summarise(backtest: Backtest) -> list[str]:
    """Summarise in a few sentences: counts, rates, the model's splits, and other budgets."""
    count, flagged = len(backtest.opened), len(backtest.flagged)
    first, newest = (backtest.opened[place].at.date() for place in (0, -1))
    known = (
        f"{some:,} of the {all_of:,} that {SPLIT_MEANINGS[split]}" for split, (all_of, some) in backtest.splits.items()
    )
    others = (f"{budget.flagged:,} at {format_percent(budget.share)}" for budget in backtest.budgets if not budget.own)
    sentences = [
        f"Flagged {flagged:,} of {count:,} ({format_percent(backtest.share)}), opened from {first} to {newest}: "
        f"{backtest.format_rate(flagged)}. "
        f"With {_format_alerts(backtest.weekly)} per week, {backtest.alert_count:,} would be raised, "
        f"{backtest.held_back:,} held back.",
        f"Above the threshold {backtest.threshold:.2f} of model version {backtest.version}: {', '.join(known)}.",
        f"Its alert budget is {format_percent(backtest.alert_budget)} of pull requests; others would flag "
        f"{', '.join(others)}.",
    ]
    if backtest.muted:
        fields = ", ".join(f"{some:,} by {field}" for field, some in sorted(backtest.muted.items()))
        sentences.insert(1, f"The repository's rules mute {sum(backtest.muted.values()):,} of them: {fields}.")
    if found := summarise_outcomes(backtest):
        sentences.append(found)
    sentences += backtest.votes
    if count < backtest.requested:
        sentences.insert(
            0, f"The dataset has only {count:,} pull requests of {backtest.repository}; all of them are used."
        )
    return sentences


def summarise_outcomes(backtest: Backtest) -> str:
    """State the precision against known outcomes; empty if no flagged pull request has ended."""
    flagged, others = backtest.flagged_outcomes, backtest.other_outcomes
    if not flagged.unwanted.total:
        return ""
    beside = f", and {others.unwanted.format_count()} others, {others.unwanted}" if others.unwanted.total else ""
    return (
        f"Precision against known outcomes: not wanted in the end were {flagged.unwanted.format_count()} flagged ones "
        f"that have ended ({flagged.words}), {flagged.unwanted}{beside}; in brackets, intervals of "
        f"{100 * CONFIDENCE:.0f} %."
    )


def format_percent(share: float) -> str:
    """Format a share as a percentage: `1.5 %`."""
    return f"{100 * share:.1f} %"


def _format_alerts(count: int) -> str:
    return f"at most {count} alert{'' if count == 1 else 's'}" if count else "no alerts"
