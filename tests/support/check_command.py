"""The command of the checks, run as a release runs it."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from subprocess import CompletedProcess
from unittest import mock

from rollouts.checks.__main__ import main
from tests.support import serving
from tests.support.command_line import ROOT, clean_environment

Start = Callable[..., AbstractContextManager[serving.Running]]


def check(*arguments: str, **settings: str) -> CompletedProcess[str]:
    """The command, with these settings and none of MongoDB's else; in this process, which has imported all it needs."""
    environment = clean_environment(**settings)
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        contextlib.chdir(ROOT),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main(arguments)
    return CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def start_check(*arguments: str, **settings: str) -> CompletedProcess[str]:
    """The same as a process of its own, with what its children print."""
    command = [sys.executable, "-m", "rollouts.checks", *arguments]
    environment = clean_environment(**settings)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
