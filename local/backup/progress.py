"""Progress of what may take long, on a terminal."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich import progress
from rich.console import Console

T = TypeVar("T")


def track(items: Iterable[T], what: str, console: Console, total: int | None = None) -> Iterator[T]:
    """Yield items, with a bar that says how many of them are done; nothing is printed where nobody sees it.

    Args:
        items: the items.
        what: what is done with them.
        console: where to show the bar.
        total: their number, if they are not a sequence.
    """
    is_seen = console.is_terminal
    yield from progress.track(items, what, total=total, console=console, transient=True, disable=not is_seen)
