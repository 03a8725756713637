"""What the load test sends: pull requests as GitHub's REST interface has them, singly and several at once."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from samples import raw

MADE_UP = 600
MOST_AT_ONCE = 10
SHARE_OF_LISTS = 0.1
SEED = 7


class Sending(NamedTuple):
    """A body, and the ids that its answer must have."""

    ids: list[str]
    body: bytes


def pull_requests(path: Path | None) -> list[dict[str, Any]]:
    """Those of a file with one JSON object on each line, or made-up ones.

    Raises:
        OSError, ValueError: the file can't be read, or has none.
    """
    if path is None:
        return raw.newest(MADE_UP)
    content = path.read_bytes()
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()
    found = [json.loads(line) for line in lines if line.strip()]
    if not found:
        raise ValueError("it has no pull requests")
    return found


def sendings(pulls: list[dict[str, Any]]) -> Iterator[Sending]:
    """Endless: nine of ten have one pull request, the others two to ten."""
    random = Random(SEED)  # noqa: S311 - the same ones each time
    while True:
        count = random.randint(2, MOST_AT_ONCE) if random.random() < SHARE_OF_LISTS else 1
        chosen = random.choices(pulls, k=count)
        ids = [f"{pull['base']['repo']['full_name']}#{pull['number']}" for pull in chosen]
        yield Sending(ids, json.dumps({"pull_requests": chosen}).encode())
