"""The speed check: the load test must hold the limits of `load/settings.py`."""

import os
import subprocess
import sys
from pathlib import Path

from rollouts.checks.verdict import Outcome

LOCUSTFILE = Path(__file__).parent / "load" / "locustfile.py"


def run(address: str, digest: str | None) -> Outcome:
    """Run the load test in a process of its own, because gevent patches its process, and return its verdict."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--loglevel", "WARNING"]
    named = {"LOAD_MODEL_DIGEST": digest} if digest else {}
    done = subprocess.run(  # noqa: S603  the command is trusted
        [*command, "--host", address], cwd=LOCUSTFILE.parents[3], env=os.environ | named, check=False
    )
    return Outcome.FAILED if done.returncode else Outcome.PASSED
