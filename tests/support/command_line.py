"""The command line as a person uses it, with nothing of this environment in the place of an embedded part."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
NAMED = {"GITHUB_TOKEN", "GITHUB_API_URL", "MONGO_URI", "MONGO_DB", "STORE_URL", "MLFLOW_URI"}


def cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m local` with these arguments, on a wide terminal."""
    own = {name: value for name, value in os.environ.items() if name not in NAMED}
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=own | {"COLUMNS": "160"} | environment,
    )


class SampleRun(NamedTuple):
    """The first run of the pipeline, on the samples: where it keeps what it keeps, and what it said."""

    state: Path
    result: subprocess.CompletedProcess[str]
