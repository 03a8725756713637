"""What one process of the tests makes and all of them use."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

DONE = "made.json"


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], str]) -> tuple[Path, str]:
    """Make a folder in the first process that needs it; the others wait for it.

    Args:
        factory: of this process; all processes of a run have one folder above theirs.
        name: of the folder.
        make: fills the folder and returns a text, which all processes get.

    Returns:
        The folder and the text.
    """
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"shared-{name}"
    folder.mkdir(exist_ok=True)
    with (folder.with_suffix(".lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / DONE
        if not done.exists():
            text = make(folder)
            done.write_text(text)
        return folder, done.read_text()
