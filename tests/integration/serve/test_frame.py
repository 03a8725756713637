"""The application costs no memory that grows with the number of requests."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
REQUESTS = 20
# In a process of its own: the service takes over the logging and the garbage collector of the one that it is in.
ASK = f"""
import asyncio
from starlette.testclient import TestClient
from steps.serve.app import create_app

def timers() -> int:
    return sum(not timer.cancelled() for timer in asyncio.get_running_loop()._scheduled)

with TestClient(create_app()) as client:
    before = client.portal.call(timers)
    for _ in range({REQUESTS}):
        assert client.get("/livez").status_code == 200
    print(client.portal.call(timers) - before)
"""


def test_an_answered_request_leaves_no_timer_behind() -> None:
    """A timeout around each request would keep one for a minute."""
    done = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < REQUESTS / 4
