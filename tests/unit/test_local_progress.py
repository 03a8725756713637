"""The progress of a run in the terminal."""

import io
from pathlib import Path

from rich.console import Console

from local.engine.progress import PlainLines, build_table, show_progress
from local.engine.run_state import Node, Phase, WorkflowRun


def going_on() -> WorkflowRun:
    """A run with a step in each phase, and words that are too long for a line."""
    nodes = {
        "discover": [Node("discover", "discover", "discover", phase=Phase.SUCCEEDED, attempts=1, seconds=2.4)],
        "fetch": [
            Node("fetch-0", "fetch", "fetch", "owner/name", Phase.RUNNING, attempts=2, message="1,300 of 4,200"),
            Node("fetch-1", "fetch", "fetch", "owner/other", Phase.FAILED, attempts=3, problem="It is broken. " * 20),
        ],
        "train": [Node("train", "train", "train")],
    }
    return WorkflowRun("run", Path(), {}, nodes)


def test_each_task_has_one_line_however_narrow_the_terminal() -> None:
    """Marks, names and seconds stay whole; long words are cut."""
    console = Console(width=70, record=True, file=io.StringIO())
    console.print(build_table(going_on()))
    lines = console.export_text().splitlines()
    assert [line.split()[:2] for line in lines[:1] + lines[2:]] == [["✓", "discover"], ["✗", "fetch"], ["·", "train"]]
    assert "attempt 2: 1,300 of 4,200" in lines[1]
    assert "fetch owner/other" in lines[2]
    assert lines[2].rstrip().endswith("…")


def test_without_a_terminal_each_change_is_a_line_of_its_own() -> None:
    """Nothing moves the cursor; a strange repository name can't either."""
    console = Console(width=70, record=True, file=io.StringIO())
    with show_progress(going_on(), console) as notify:
        assert isinstance(notify, PlainLines)
        notify(Node("fetch-0", "fetch", "fetch", "a/[bold]b\x1b[2J", Phase.RUNNING, attempts=1))
    text = console.export_text()
    assert "fetch a/[bold]b [2J" in text
    assert "\x1b" not in text
