"""The command of the checks, run as a release runs it."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from steps.common.settings import MongoSettings
from tests.support import serving

ROOT = Path(__file__).parents[2]
Start = Callable[..., AbstractContextManager[serving.Running]]


def check(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command, with these settings and none of MongoDB's else."""
    unset = {name.upper() for name in MongoSettings.model_fields}
    environment = {name: value for name, value in os.environ.items() if name not in unset} | settings
    command = [sys.executable, "-m", "rollouts.checks", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
