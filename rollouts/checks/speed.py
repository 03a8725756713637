"""Whether the candidate is quick enough under load: Locust, with the limits of `load/settings.py`."""

import os
import subprocess
import sys
from pathlib import Path

from rollouts.checks.verdict import Outcome

LOCUSTFILE = Path(__file__).parent / "load" / "locustfile.py"


def run(address: str, digest: str | None) -> Outcome:
    """Let Locust try it, in a process of its own as gevent changes the one it is in; what it says is the verdict."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--loglevel", "WARNING"]
    named = {"LOAD_MODEL_DIGEST": digest} if digest else {}
    done = subprocess.run(  # noqa: S603  the command is ours
        [*command, "--host", address], cwd=LOCUSTFILE.parents[3], env=os.environ | named, check=False
    )
    return Outcome.FAILED if done.returncode else Outcome.PASSED
