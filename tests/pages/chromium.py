"""A headless Chromium for the tests."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.pages.browser import PATIENCE, Page
from tests.support.waiting import wait_until

NAMES = ("chromium", "chromium-browser", "google-chrome")
HINT = "These tests look at the page in Chromium. On Debian and Ubuntu: sudo apt install chromium"


@contextmanager
def chromium(folder: Path) -> Iterator[Callable[[], Page]]:
    """Run Chromium with its files in `folder`; yields a function that opens a tab."""
    command = next(filter(None, map(shutil.which, NAMES)), None)
    assert command, HINT
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    quiet = [
        "--headless=new",
        "--hide-scrollbars",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-sync",
    ]
    started = [command, *quiet, *sandbox, f"--user-data-dir={folder}", "--remote-debugging-port=0", "about:blank"]
    with (folder / "chromium.log").open("wb") as log, subprocess.Popen(started, stdout=log, stderr=log) as process:
        try:
            port = _port(folder / "DevToolsActivePort", process)
            yield lambda: Page(
                requests.put(f"http://127.0.0.1:{port}/json/new", timeout=PATIENCE).json()["webSocketDebuggerUrl"]
            )
        finally:
            process.terminate()


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    def look() -> str | None:
        assert process.poll() is None, f"Chromium ended: see {file.parent}"
        text = file.read_text() if file.is_file() else ""
        return text if "\n" in text else None

    return int(wait_until(look, f"Chromium is ready: see {file.parent}", timeout=PATIENCE, interval=0.05).split()[0])
