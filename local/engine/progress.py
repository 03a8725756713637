"""The progress of a run: a live line for each task, or plain lines without a terminal."""

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

from local.engine.run_state import Node, Phase, WorkflowRun
from local.engine.runner import Notify
from local.untrusted import one_line

MAX_VALUE_LENGTH = 40
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
def show_progress(run: WorkflowRun, console: Console) -> Iterator[Notify]:
    """Show the progress of a run; the engine calls the yielded function whenever a node has changed."""
    if not console.is_terminal:
        yield PlainLines(console)
        return
    with Live(get_renderable=lambda: build_table(run), console=console, refresh_per_second=8):
        yield lambda _: None


def build_table(run: WorkflowRun) -> Table:
    """Build a table of all nodes."""
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=1)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    # The only column that shrinks on a narrow terminal; its texts are cut, not wrapped.
    grid.add_column(ratio=1)
    for node in run.all_nodes:
        mark, style = MARKS.get(node.phase, ("", ""))
        seconds = f"{node.elapsed_seconds:.0f} s" if node.attempts else ""
        grid.add_row(
            Text(mark, style) if mark else SPINNER,
            Text(format_label(node), "dim" if node.phase is Phase.PENDING else "bold"),
            Text(seconds, "dim"),
            Text(describe(node), style if node.phase.is_failure else "", no_wrap=True, overflow="ellipsis"),
        )
    return grid


def format_label(node: Node) -> str:
    """Format the name of a node for the terminal."""
    return one_line(f"{node.template} {node.item}")


def describe(node: Node) -> str:
    """Describe the progress or the result of a node."""
    return one_line(_describe(node))


def _describe(node: Node) -> str:
    again = f"attempt {node.attempts}: " if node.attempts > 1 else ""
    match node.phase:
        case Phase.SUCCEEDED:
            return again + summarise(node.outputs)
        case Phase.FAILED | Phase.ERROR:
            return again + node.problem
        case Phase.SKIPPED:
            return "not needed"
        case Phase.OMITTED:
            return "not reached"
    return again + node.message


def summarise(outputs: dict[str, str]) -> str:
    """Join the outputs that are short enough for one line."""
    shown = {name.replace("_", " "): _shorten(value) for name, value in outputs.items()}
    return " · ".join(f"{name} {value}" for name, value in shown.items() if 0 < len(value) <= MAX_VALUE_LENGTH)


def _shorten(value: str) -> str:
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
    """A printed line for each change, with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._lock = Lock()

    def __call__(self, node: Node) -> None:
        """Print the state of a node."""
        phase = "retries" if node.phase is Phase.RUNNING and node.problem else node.phase.lower()
        line = f"{time.monotonic() - self._began:7.1f} s  {format_label(node):<28} {phase:<9} {describe(node)}"
        with self._lock:
            self._console.print(Text(line.rstrip()), soft_wrap=True)
