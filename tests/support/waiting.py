"""Waiting for something to become true: the only loop of its kind in the tests."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_INTERVAL_SECONDS = 0.02

Found = TypeVar("Found")


def wait_until(
    look: Callable[[], Found | None],
    what: str = "what the test waits for",
    *,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    interval: float = DEFAULT_INTERVAL_SECONDS,
) -> Found:
    """Call `look` until it returns something true, and return that.

    Args:
        look: called at least once; whatever it raises ends the wait.
        what: named in the error.
        timeout: seconds after which the wait is given up.
        interval: seconds between two calls.

    Raises:
        AssertionError: nothing came in time.
    """
    until = time.monotonic() + timeout
    while not (found := look()):
        assert time.monotonic() < until, f"not within {timeout:.0f} s: {what}"
        time.sleep(interval)
    return found


def wait_for_text(path: Path) -> str:
    """Return what a file holds as soon as it holds something."""
    return wait_until(lambda: path.read_text() if path.is_file() else None, f"text in {path}")
