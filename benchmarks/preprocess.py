"""preprocess compared with reading everything into the driver: `python -m benchmarks.preprocess` prints a table.

Both start from the same synthetic documents in the embedded MongoDB, each in its own process, including Spark's start.
"read" stops when the documents are validated and on Spark's disk; "whole" continues to the dataset. The alternative is
`list(collection.find())` and `createDataFrame`, without validation or features.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import psutil
from pymongo import MongoClient
from pyspark.sql.pandas.types import from_arrow_schema

from local.services import embedded
from steps.common import mongo
from steps.common.settings import MongoSettings, load
from steps.preprocess import frames, source, spark
from steps.preprocess.pipeline import build_dataset
from steps.scoring.vectors import PULL_SCHEMA

MASTER = "local[*]"
REPOSITORIES = [f"example/number-{number}" for number in range(20)]
WORDS = [
    f"{syllable}{ending}" for syllable in ("ro", "ka", "ti", "mu", "se", "lo") for ending in ("of", "ne", "st", "ry")
]
BATCH = 1_000
POLL_SECONDS = 0.2
TIMEOUT_SECONDS = 1_800.0
"""Java tends to hang, not exit, when it runs out of memory."""
MIB = 1 << 20


class SparkMeasurement(NamedTuple):
    """Seconds, and the peak memory [MiB] of the Python process, its Java and Spark's Python workers."""

    seconds: float
    driver: int
    java: int
    workers: int
    ended_well: bool


def main() -> None:
    """Measure and print; with `--way`, run one variant in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        WAYS[given.way]()
        return
    print("| documents | | seconds | ms per document | driver MiB | Java MiB | Python workers MiB |")
    print("|---:|---|---:|---:|---:|---:|---:|")
    for count in given.documents:
        with documents(count):
            for way in WAYS:
                print(format_row(count, way, measure(way)), flush=True)


def run_whole() -> None:
    """Build a dataset from the documents."""
    build_dataset(REPOSITORIES, MASTER, 0.0)


def run_read() -> None:
    """Read the documents into validated rows on Spark's disk."""
    settings = load(MongoSettings)
    query = source.build_query(REPOSITORIES)
    with mongo.open_database(settings) as database:
        parts = source.split_query(database, query, source.compute_fingerprint(database, query).count)
    with spark.open_session(MASTER) as session:
        frames.count_documents(frames.validate_documents(session, settings, parts))


def run_collect() -> None:
    """Read all documents through the driver."""
    with mongo.open_database(load(MongoSettings)) as database, spark.open_session(MASTER) as session:
        rows = [
            (
                *(one["_id"], one["base"]["repo"]["full_name"], one["number"], one["title"], one["body"]),
                *(one["user"]["login"], one["created_at"]),
                *(one[name] for name in ("additions", "deletions", "changed_files", "commits")),
            )
            for one in list(database.pull_requests.find())
        ]
        session.createDataFrame(rows, from_arrow_schema(PULL_SCHEMA)).groupBy("repository").count().collect()


WAYS: dict[str, Callable[[], None]] = {
    "whole": run_whole,
    "read": run_read,
    "list(find()) + createDataFrame": run_collect,
}


def measure(way: str) -> SparkMeasurement:
    """Run one variant in a process of its own and track the memory of its process tree."""
    started = time.monotonic()
    process = psutil.Popen([sys.executable, "-m", "benchmarks.preprocess", "--way", way], stderr=subprocess.DEVNULL)
    peaks = (0, 0, 0)
    while process.poll() is None:
        first, second, third = map(max, peaks, read_memory(process))
        peaks = (first, second, third)
        time.sleep(POLL_SECONDS)
        if time.monotonic() - started > TIMEOUT_SECONDS:
            process.kill()
    return SparkMeasurement(time.monotonic() - started, *peaks, ended_well=process.returncode == 0)


def read_memory(process: psutil.Process) -> tuple[int, int, int]:
    """Return the memory [MiB] of the driver, its Java, and the Python workers."""
    held = [0, 0, 0]
    try:
        for one in (process, *process.children(recursive=True)):
            place = 0 if one.pid == process.pid else 1 if one.name() == "java" else 2
            held[place] += one.memory_info().rss // MIB
    except psutil.NoSuchProcess:
        pass
    return held[0], held[1], held[2]


def format_row(count: int, way: str, result: SparkMeasurement) -> str:
    """Format a row of the table."""
    if not result.ended_well:
        return f"| {count:,} | {way} | failed after {result.seconds:.0f} | | {result.driver} | {result.java} | |"
    time_taken = f"{result.seconds:.1f} | {1_000 * result.seconds / count:.2f}"
    return f"| {count:,} | {way} | {time_taken} | {result.driver} | {result.java} | {result.workers} |"


@contextmanager
def documents(count: int) -> Iterator[None]:
    """Run a MongoDB with `count` documents and set the environment for it and an empty store."""
    with tempfile.TemporaryDirectory() as folder, embedded.mongo(Path(folder)) as uri:
        os.environ |= {"MONGO_URI": uri, "MONGO_DB": "benchmark", "STORE_URL": f"file://{folder}/store"}
        with MongoClient[dict[str, Any]](uri) as client:
            for first in range(0, count, BATCH):
                made = [make_document(index) for index in range(first, min(first + BATCH, count))]
                client["benchmark"].pull_requests.insert_many(made, ordered=False)
        yield


def make_document(index: int) -> dict[str, Any]:
    """Make a synthetic pull request with a realistic amount of text."""
    random = Random(index)  # noqa: S311
    repository, number = REPOSITORIES[index % len(REPOSITORIES)], index // len(REPOSITORIES) + 1
    opened = datetime(2016, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    return {
        "_id": f"{repository}#{number}",
        "number": number,
        "title": " ".join(random.choices(WORDS, k=6)),
        "body": " ".join(random.choices(WORDS, k=random.randrange(160))),
        "user": {"login": f"author-{int(random.expovariate(0.05))}", "type": "User"},
        "author_association": "MEMBER",
        "state": "closed",
        "draft": False,
        **dict.fromkeys(("created_at", "updated_at", "closed_at", "merged_at"), opened),
        "additions": int(random.lognormvariate(3, 2)),
        "deletions": int(random.lognormvariate(2, 2)),
        "changed_files": 1 + int(random.lognormvariate(0, 1)),
        "commits": 1 + int(random.expovariate(0.7)),
        "labels": [],
        "assignees": [],
        "base": {"ref": "main", "repo": {"full_name": repository}},
        "html_url": "",
        "fetched_at": opened,
    }


if __name__ == "__main__":
    main()
