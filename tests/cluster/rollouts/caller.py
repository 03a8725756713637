"""A user who has pull requests scored all the time, each request by a new connection.

    python caller.py ADDRESS [PULL_REQUESTS [AT_ONCE]]

Each second it prints a line of JSON: by the digest of the model that answered, or by the kind of failure, how often,
and when last (seconds since 1970).
"""

import json
import sys
import time
from typing import Any

import requests

from samples import raw

PAUSE_SECONDS = 0.03


def main(address: str, count: str = "200", at_once: str = "1") -> None:
    """Call until killed."""
    pulls, reported, seen = raw.build_newest(int(count)), time.time(), dict[str, tuple[int, float]]()
    while True:
        for start in range(0, len(pulls), int(at_once)):
            what = called(f"{address}/score", pulls[start : start + int(at_once)])
            seen[what] = (seen.get(what, (0, 0))[0] + 1, time.time())
            if time.time() - reported > 1:
                reported = time.time()
                print(json.dumps(seen), flush=True)  # noqa: T201 - its log is what the test reads
            time.sleep(PAUSE_SECONDS)


def called(address: str, pulls: list[Any]) -> str:
    """Send one request and classify the result."""
    try:
        answer = requests.post(address, json={"pull_requests": pulls}, timeout=10)
    except requests.RequestException as error:
        inner = error.args[0] if error.args else error
        return f"failed: {type(getattr(inner, 'reason', inner)).__name__}"
    return answer.headers["X-Model-Digest"][:12] if answer.ok else f"failed: HTTP {answer.status_code}"


if __name__ == "__main__":
    main(*sys.argv[1:])
