"""The command line as a person uses it, with nothing of this environment in the place of an embedded part."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import typer
from typer.testing import CliRunner

from local.__main__ import app
from steps.common.command_line import console, error_console
from steps.common.settings import FetchSettings, RegisterSettings, ServeSettings, TrainSettings

ROOT = Path(__file__).parents[2]
SETTINGS = frozenset(
    name.upper()
    for settings in (FetchSettings, TrainSettings, RegisterSettings, ServeSettings)
    for name in settings.model_fields
) | {"VAULT_ADDR"}
"""The environment variables that a step reads: any of them could lead a test to somebody's own database or token."""


def clean_environment(**environment: str) -> dict[str, str]:
    """Return this process' environment without any setting of the steps, and with those that are given."""
    return {name: value for name, value in os.environ.items() if name not in SETTINGS} | environment


def cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m local` with these arguments, on a wide terminal."""
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=clean_environment(COLUMNS="160", **environment),
    )


def run_app(
    command: typer.Typer, folder: Path, arguments: tuple[str, ...], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command line in this process, which has imported all that it needs, with this environment and no other."""
    handler = signal.getsignal(signal.SIGTERM)
    width = int(environment.get("COLUMNS", 80))
    # The consoles have read the width of xdist's terminal, when they were imported.
    wide, errors_too = (mock.patch.object(one, "_width", width) for one in (console, error_console))
    with contextlib.chdir(folder), mock.patch.dict(os.environ, environment, clear=True), wide, errors_too:
        result = CliRunner().invoke(command, arguments)
    signal.signal(signal.SIGTERM, handler)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


def call_cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run what `cli` runs in this process: for what leaves no process behind."""
    return run_app(app, ROOT, arguments, clean_environment(COLUMNS="160", **environment))


def start_cli(*arguments: str, environment: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """Start `python -m local` with these arguments, its output in a pipe; `options` go to Popen."""
    command = [sys.executable, "-m", "local", *arguments]
    given = clean_environment(**environment or {})
    return subprocess.Popen(command, cwd=ROOT, env=given, stdout=subprocess.PIPE, text=True, **options)


class SampleRun(NamedTuple):
    """The first run of the pipeline, on the samples: where it keeps what it keeps, and what it said."""

    state: Path
    result: subprocess.CompletedProcess[str]
