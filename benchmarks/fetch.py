"""fetch compared with the obvious PyGithub loop: `python -m benchmarks.fetch` prints a table.

Both read the same synthetic repository from the fake GitHub, with 50 ms added to each response, and write to the same
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
LOOP_LENGTH = 100
DATABASE = "benchmark"


class FetchMeasurement(NamedTuple):
    """The numbers of pull requests and requests, and the seconds they took."""

    pulls: int
    requests: int
    seconds: float


def main() -> None:
    """Measure and print."""
    with embedded_services() as (address, collection):
        backfill = measure(address, lambda: int(synchronise(REPOSITORY)["fetched"]))
        again = measure(address, lambda: int(synchronise(REPOSITORY)["fetched"]))
        collection.delete_many({})
        loop = measure(address, lambda: run_usual_loop(address, collection, pauses=True))
        hasty = measure(address, lambda: run_usual_loop(address, collection, pauses=False))
    print(f"{REPOSITORY} on the fake GitHub, {LATENCY_MS} ms added to each response, into the embedded MongoDB\n")
    print("| | pull requests | requests | requests per pull request | seconds | pull requests/s | fetch is faster |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print(format_row("fetch, backfill", backfill))
    print(format_row("fetch, nothing new", again))
    print(format_row("loop over `get_pulls`, PyGithub's defaults", loop, backfill))
    print(format_row("the same without PyGithub's pauses", hasty, backfill))


@contextmanager
def embedded_services() -> Iterator[tuple[str, "Collection[dict[str, Any]]"]]:
    """Run the fake GitHub and MongoDB, and set the environment variables that the step expects."""
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded.mongo(Path(folder)) as uri,
        embedded.sample_github(Path(folder)) as settings,
        MongoClient[dict[str, Any]](uri) as client,
    ):
        os.environ |= {**settings, "MONGO_URI": uri, "MONGO_DB": DATABASE}
        yield settings["GITHUB_API_URL"], client[DATABASE].pull_requests


def measure(address: str, work: Callable[[], int]) -> FetchMeasurement:
    """Run work that returns a number of pull requests, and count its requests to GitHub."""
    requests.post(f"{address}/_reset", timeout=10)
    requests.post(f"{address}/_control", json={"latency_ms": LATENCY_MS}, timeout=10)
    begin = time.perf_counter()
    pulls = work()
    seconds = time.perf_counter() - begin
    return FetchMeasurement(pulls, requests.get(f"{address}/_stats", timeout=10).json()["requests"], seconds)


def run_usual_loop(address: str, collection: "Collection[dict[str, Any]]", *, pauses: bool) -> int:
    """Loop over the list and read fields that it lacks, so that PyGithub requests each pull request again."""
    waits: dict[str, Any] = {} if pauses else {"seconds_between_requests": None, "seconds_between_writes": None}
    with Github(auth=Auth.Token("a-token"), base_url=address, retry=GithubRetry(), **waits) as github:
        for pull in islice(github.get_repo(REPOSITORY).get_pulls(state="all"), LOOP_LENGTH):
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
    return LOOP_LENGTH


def format_row(name: str, found: FetchMeasurement, fetch: FetchMeasurement | None = None) -> str:
    """Format a row; the last column compares the time per pull request with fetch."""
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
