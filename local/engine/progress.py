"""What a person sees while a run goes on: one line for each task, or plain lines where there is no terminal."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from local.engine.run_state import Node, Phase, Run
from local.engine.runner import Notify
from local.untrusted import one_line

LONGEST_VALUE = 40
MARKS = {
    Phase.PENDING: ("·", "dim"),
    Phase.SUCCEEDED: ("✓", "green"),
    Phase.FAILED: ("✗", "bold red"),
    Phase.ERROR: ("✗", "bold red"),
    Phase.SKIPPED: ("-", "dim"),
    Phase.OMITTED: ("-", "dim"),
}
SPINNER = Spinner("dots", style="cyan")


@contextmanager
def shown(run: Run, console: Console) -> Iterator[Notify]:
    """Show a run as it goes on; the engine calls what this yields whenever something has changed."""
    if not console.is_terminal:
        yield PlainLines(console)
        return
    with Live(get_renderable=lambda: table(run), console=console, refresh_per_second=8):
        yield lambda _: None


def table(run: Run) -> Table:
    """All nodes at this moment."""
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=1)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    # The only column that may give way on a narrow terminal; its texts are cut, not wrapped.
    grid.add_column(ratio=1)
    for node in run.all_nodes:
        mark, style = MARKS.get(node.phase, ("", ""))
        seconds = f"{node.elapsed:.0f} s" if node.attempts else ""
        grid.add_row(
            Text(mark, style) if mark else SPINNER,
            Text(label(node), "dim" if node.phase is Phase.PENDING else "bold"),
            Text(seconds, "dim"),
            Text(words(node), style if node.phase.is_bad else "", no_wrap=True, overflow="ellipsis"),
        )
    return grid


def label(node: Node) -> str:
    """What a node is called on the screen."""
    return one_line(f"{node.template} {node.item}")


def words(node: Node) -> str:
    """How a node is getting on, or how it ended."""
    return one_line(_words(node))


def _words(node: Node) -> str:
    again = f"try {node.attempts}: " if node.attempts > 1 else ""
    match node.phase:
        case Phase.SUCCEEDED:
            return again + summary(node.outputs)
        case Phase.FAILED | Phase.ERROR:
            return again + node.problem
        case Phase.SKIPPED:
            return "not needed"
        case Phase.OMITTED:
            return "not reached"
    return again + node.message


def summary(outputs: dict[str, str]) -> str:
    """The outputs that are short enough for a line."""
    shown = {name.replace("_", " "): _short(value) for name, value in outputs.items()}
    return " · ".join(f"{name} {value}" for name, value in shown.items() if 0 < len(value) <= LONGEST_VALUE)


def _short(value: str) -> str:
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    match parsed:
        case bool() | None:
            return value
        case int():
            return f"{parsed:,}"
        case float():
            return f"{parsed:.3g}"
        case list():
            return str(len(parsed))
    return value


class PlainLines:
    """A line for each change that matters, with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._lock = Lock()

    def __call__(self, node: Node) -> None:
        """Print how a node stands."""
        phase = "retries" if node.phase is Phase.RUNNING and node.problem else node.phase.lower()
        line = f"{time.monotonic() - self._began:7.1f} s  {label(node):<28} {phase:<9} {words(node)}"
        with self._lock:
            self._console.print(Text(line.rstrip()), soft_wrap=True)
