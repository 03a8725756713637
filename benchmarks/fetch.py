"""fetch against the loop that PyGithub invites to: `python -m benchmarks.fetch` prints a table.

Both read the same made-up repository from the stand-in, which takes 50 ms longer for each answer, and write to the same
embedded MongoDB.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import requests
from github import Auth, Github
from github.GithubRetry import GithubRetry
from pymongo import MongoClient
from pymongo.collection import Collection

from local.services import embedded
from steps.fetch.sync import synchronise

REPOSITORY = "example/webshop"
LATENCY_MS = 50
LOOP_OVER = 100
DATABASE = "benchmark"


class Measured(NamedTuple):
    """How many pull requests came by how many requests in how many seconds."""

    pulls: int
    requests: int
    seconds: float


def main() -> None:
    """Measure and print."""
    with embedded_parts() as (address, collection):
        backfill = measured(address, lambda: int(synchronise(REPOSITORY)["fetched"]))
        again = measured(address, lambda: int(synchronise(REPOSITORY)["fetched"]))
        collection.delete_many({})
        loop = measured(address, lambda: usual_loop(address, collection, pauses=True))
        hasty = measured(address, lambda: usual_loop(address, collection, pauses=False))
    print(f"{REPOSITORY} on the stand-in, {LATENCY_MS} ms added to each answer, into the embedded MongoDB\n")
    print("| | pull requests | requests | requests per pull request | seconds | pull requests/s | fetch is faster |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print(row("fetch, backfill", backfill))
    print(row("fetch, nothing new", again))
    print(row("loop over `get_pulls`, as PyGithub comes", loop, backfill))
    print(row("the same without PyGithub's pauses", hasty, backfill))


@contextmanager
def embedded_parts() -> Iterator[tuple[str, "Collection[dict[str, Any]]"]]:
    """The stand-in and MongoDB, named in the environment as the step expects it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded.mongo(Path(folder)) as uri,
        embedded.sample_github(Path(folder)) as settings,
        MongoClient[dict[str, Any]](uri) as client,
    ):
        os.environ |= {**settings, "MONGO_URI": uri, "MONGO_DB": DATABASE}
        yield settings["GITHUB_API_URL"], client[DATABASE].pull_requests


def measured(address: str, work: Callable[[], int]) -> Measured:
    """Do some work that gives a number of pull requests, and count what it asked of GitHub."""
    requests.post(f"{address}/_reset", timeout=10)
    requests.post(f"{address}/_control", json={"latency_ms": LATENCY_MS}, timeout=10)
    begin = time.perf_counter()
    pulls = work()
    seconds = time.perf_counter() - begin
    return Measured(pulls, requests.get(f"{address}/_stats", timeout=10).json()["requests"], seconds)


def usual_loop(address: str, collection: "Collection[dict[str, Any]]", *, pauses: bool) -> int:
    """Go through the list and touch what the list does not hold, so that PyGithub asks for each once more."""
    waits: dict[str, Any] = {} if pauses else {"seconds_between_requests": None, "seconds_between_writes": None}
    with Github(auth=Auth.Token("a-token"), base_url=address, retry=GithubRetry(), **waits) as github:
        for pull in islice(github.get_repo(REPOSITORY).get_pulls(state="all"), LOOP_OVER):
            document = {
                "number": pull.number,
                "title": pull.title,
                "body": pull.body,
                "user": pull.user.login,
                "created_at": pull.created_at,
                "additions": pull.additions,
                "deletions": pull.deletions,
                "changed_files": pull.changed_files,
                "commits": pull.commits,
                "labels": [label.name for label in pull.labels],
            }
            collection.replace_one({"_id": f"{REPOSITORY}#{pull.number}"}, document, upsert=True)
    return LOOP_OVER


def row(name: str, found: Measured, fetch: Measured | None = None) -> str:
    """One line of the table; the last column compares the time for one pull request with that of fetch."""
    if not found.pulls:
        return f"| {name} | 0 | {found.requests} | | {found.seconds:.2f} | | |"
    each = found.seconds / found.pulls
    ratio = f"{each / (fetch.seconds / fetch.pulls):.0f} times" if fetch else ""
    return (
        f"| {name} | {found.pulls} | {found.requests} | {found.requests / found.pulls:.3f} "
        f"| {found.seconds:.2f} | {1 / each:.0f} | {ratio} |"
    )


if __name__ == "__main__":
    main()
