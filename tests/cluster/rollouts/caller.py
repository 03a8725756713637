"""A user who has pull requests scored all the time, each by a new connection: a line a second of what came of it."""

import sys
import time
from collections import Counter

import requests

from samples import raw

PAUSE_SECONDS = 0.03


def main(address: str) -> None:
    """Call until killed."""
    pulls, told, counts = raw.newest(200), time.monotonic(), Counter[str]()
    while True:
        for pull in pulls:
            try:
                answer = requests.post(f"{address}/score", json={"pull_requests": [pull]}, timeout=10)
                counts[
                    answer.headers["X-Model-Digest"][:12] if answer.ok else f"failed: HTTP {answer.status_code}"
                ] += 1
            except requests.RequestException as error:
                counts[f"failed: {type(error).__name__}"] += 1
            if time.monotonic() - told > 1:
                told = time.monotonic()
                print(dict(counts), flush=True)  # noqa: T201 - its log is what the test reads
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
