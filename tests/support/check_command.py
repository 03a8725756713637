"""The command of the checks, run as a release runs it."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.support import serving
from tests.support.command_line import ROOT, clean_environment

Start = Callable[..., AbstractContextManager[serving.Running]]


def check(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command, with these settings and none of MongoDB's else."""
    command = [sys.executable, "-m", "rollouts.checks", *arguments]
    environment = clean_environment(**settings)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
