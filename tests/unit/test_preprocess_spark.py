"""How Spark's failures are told, and what of its workers' words is."""

import os
from collections import deque

import pyarrow as pa
import pytest
from py4j.protocol import Py4JNetworkError
from pyspark.errors import PySparkException

from steps.common.errors import AccessRefused, StorageFull, Unavailable
from steps.preprocess import frames, spark
from steps.preprocess.spark import LAST_WORDS, listen, told

WORKER = 'org.apache.spark.SparkException: Job aborted\nTraceback\n  File "mongo.py"\n{}\n\tat org.apache.spark.Task'
UNREACHABLE = "io.fabric8.kubernetes.client.KubernetesClientException: Operation: [get] for kind: [Pod] failed.\n\tat"
FORBIDDEN = (
    "Caused by: io.fabric8.kubernetes.client.KubernetesClientException: Failure executing: GET at: https://host/. "
    'Message: pods "d" is forbidden: User "a:b" cannot get resource "pods" in API group "" in the namespace "c". '
    "Received status: Status(apiVersion=v1, code=403)"
)


@pytest.mark.parametrize(
    ("words", "kind", "match"),
    [
        (WORKER.format("steps.common.errors.Unavailable: MongoDB is away. Check it."), Unavailable, "MongoDB is away"),
        (WORKER.format("steps.common.errors.AccessRefused: No. Check."), AccessRefused, "one of Spark's executors"),
        (WORKER.format("java.io.IOException: No space left on device"), StorageFull, "SPARK_LOCAL_DIRS"),
        (UNREACHABLE, Unavailable, r"does not answer Spark: Operation: \[get\] for kind: \[Pod\] failed\. Check"),
        (
            FORBIDDEN,
            AccessRefused,
            'Kubernetes .* User "a:b" cannot get resource "pods" in API group "" in the namespace "c"',
        ),
    ],
)
def test_what_an_executor_met_with_is_told_in_one_line(words: str, kind: type[Exception], match: str) -> None:
    """An error of ours comes back as what it was, a full disk as one, and neither with Spark's trace."""
    with pytest.raises(kind, match=match) as told_error, told():
        raise PySparkException(words)
    assert "\n" not in str(told_error.value)


def test_a_quota_that_leaves_no_room_for_executors_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark's own error only says that it gave up; the reason is in Java's log."""
    log = FORBIDDEN.replace('User "a:b" cannot get resource "pods"', "exceeded quota: few, requested: pods=1,")
    monkeypatch.setattr(spark, "_said", deque(["WARN", *log.splitlines(), "ERROR"]))
    with pytest.raises(Unavailable, match=r"exceeded quota: few, requested: pods=1"), told():
        raise PySparkException("java.lang.IllegalStateException: Spark context stopped while waiting for backend")
    with pytest.raises(PySparkException, match="a bug"), told():
        raise PySparkException("a bug")


def test_a_java_process_that_is_gone_is_told() -> None:
    """Losing Java says so, and what most often causes it."""
    with pytest.raises(Unavailable, match="too little memory"), told():
        raise Py4JNetworkError("Answer from Java side is empty")


def test_what_is_not_known_stays_as_it_is() -> None:
    """An error that nobody foresaw keeps its trace."""
    with pytest.raises(PySparkException, match="a bug"), told():
        raise PySparkException("a bug")


def test_what_workers_log_is_handed_on_and_chatter_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of our own logging reach standard error; of the rest the last few are kept, without Java's frames."""
    reading, writing = os.pipe()
    os.write(writing, b'WARN 1\nWARN 2\n{"time": 1}\nWARN 3\nException: no\n\tat org.apache.Spark\n')
    os.close(writing)
    last_words: deque[str] = deque(maxlen=LAST_WORDS)
    listen(reading, last_words)
    assert capsys.readouterr().err == '{"time": 1}\n'
    assert list(last_words) == ["WARN 2", "WARN 3", "Exception: no"]


def test_progress_is_told_with_the_rows_there_are(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each report names the repository, how many rows are done and how many there are; the batches pass unchanged."""
    monkeypatch.setattr(frames, "SECONDS_BETWEEN_REPORTS", -1.0)
    caplog.set_level("INFO", "steps")
    batches = [pa.RecordBatch.from_pydict({"repository": ["owner/name"] * rows}) for rows in (3, 2)]
    assert list(frames.reported(iter(batches), {"owner/name": 5})) == batches
    assert [vars(record)["done"] for record in caplog.records] == [3, 5]
    assert {(vars(record)["repository"], vars(record)["total"]) for record in caplog.records} == {("owner/name", 5)}
