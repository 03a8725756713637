"""A headless Chromium for the tests."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.pages.browser import PATIENCE, Page

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
    until = time.monotonic() + PATIENCE
    while not (file.is_file() and file.read_text().count("\n")):
        assert process.poll() is None, f"Chromium ended: see {file.parent}"
        assert time.monotonic() < until, f"Chromium does not get ready: see {file.parent}"
        time.sleep(0.05)
    return int(file.read_text().split()[0])
