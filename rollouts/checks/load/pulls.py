"""The requests of the load test: pull requests in the form of GitHub's REST API, single and in lists."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from samples import raw

SYNTHETIC_COUNT = 600
MAX_LIST_LENGTH = 10
LIST_SHARE = 0.1
SEED = 7


class ScoringRequest(NamedTuple):
    """A request body, and the ids that its answer must have."""

    ids: list[str]
    body: bytes


def load_pull_requests(path: Path | None) -> list[dict[str, Any]]:
    """Load pull requests from a file of JSON lines, or synthetic ones without a file.

    Raises:
        OSError, ValueError: the file can't be read, or is empty.
    """
    if path is None:
        return raw.build_newest(SYNTHETIC_COUNT)
    content = path.read_bytes()
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()
    found = [json.loads(line) for line in lines if line.strip()]
    if not found:
        raise ValueError("it contains no pull requests")
    return found


def generate_requests(pulls: list[dict[str, Any]]) -> Iterator[ScoringRequest]:
    """Generate requests endlessly: nine out of ten have one pull request, the others two to ten."""
    random = Random(SEED)  # noqa: S311 - the same ones each time
    while True:
        count = random.randint(2, MAX_LIST_LENGTH) if random.random() < LIST_SHARE else 1
        chosen = random.choices(pulls, k=count)
        ids = [f"{pull['base']['repo']['full_name']}#{pull['number']}" for pull in chosen]
        yield ScoringRequest(ids, json.dumps({"pull_requests": chosen}).encode())
