"""Translation of Spark's failures, and forwarding of its workers' logs."""

import os
from collections import deque
from pathlib import Path

import pyarrow as pa
import pyspark
import pytest
from py4j.protocol import Py4JNetworkError
from pyspark.errors import PySparkException

from steps.common.errors import AccessRefused, StorageFull, Unavailable
from steps.preprocess import frames, spark
from steps.preprocess.spark import MAX_OUTPUT_LINES, forward_logs, translate_errors

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
def test_an_executor_s_failure_becomes_one_line(words: str, kind: type[Exception], match: str) -> None:
    """An error of ours keeps its kind, a full disk is recognised, and neither has Spark's traceback."""
    with pytest.raises(kind, match=match) as caught, translate_errors():
        raise PySparkException(words)
    assert "\n" not in str(caught.value)


def test_an_exceeded_quota_for_executors_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark's own error only reports a timeout; the reason is in Java's log."""
    log = FORBIDDEN.replace('User "a:b" cannot get resource "pods"', "exceeded quota: few, requested: pods=1,")
    monkeypatch.setattr(spark, "_output", deque(["WARN", *log.splitlines(), "ERROR"]))
    with pytest.raises(Unavailable, match=r"exceeded quota: few, requested: pods=1"), translate_errors():
        raise PySparkException("java.lang.IllegalStateException: Spark context stopped while waiting for backend")
    with pytest.raises(PySparkException, match="a bug"), translate_errors():
        raise PySparkException("a bug")


def test_a_java_process_that_ended_is_named() -> None:
    """The error names the usual cause."""
    with pytest.raises(Unavailable, match="too little memory"), translate_errors():
        raise Py4JNetworkError("Answer from Java side is empty")


def test_an_unknown_error_passes_unchanged() -> None:
    """It keeps its traceback."""
    with pytest.raises(PySparkException, match="a bug"), translate_errors():
        raise PySparkException("a bug")


def test_our_workers_logs_are_forwarded_and_other_output_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of our own logging reach standard error; the last few others are kept, without stack frames."""
    reading, writing = os.pipe()
    os.write(writing, b'WARN 1\nWARN 2\n{"time": 1}\nWARN 3\nException: no\n\tat org.apache.Spark\n')
    os.close(writing)
    output: deque[str] = deque(maxlen=MAX_OUTPUT_LINES)
    forward_logs(reading, output)
    assert capsys.readouterr().err == '{"time": 1}\n'
    assert list(output) == ["WARN 2", "WARN 3", "Exception: no"]


def test_progress_is_logged_with_the_number_of_rows(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each report names the repository, how many rows are done and how many there are; the batches pass unchanged."""
    monkeypatch.setattr(frames, "REPORT_INTERVAL_SECONDS", -1.0)
    caplog.set_level("INFO", "steps")
    batches = [pa.RecordBatch.from_pydict({"repository": ["owner/name"] * rows}) for rows in (3, 2)]
    assert list(frames.log_progress(iter(batches), {"owner/name": 5})) == batches
    assert [vars(record)["done"] for record in caplog.records] == [3, 5]
    assert {(vars(record)["repository"], vars(record)["total"]) for record in caplog.records} == {("owner/name", 5)}


@pytest.mark.parametrize(
    ("name", "value", "gone"),
    [
        # jupyter/notebook#743
        ("PYSPARK_SUBMIT_ARGS", "--master yarn pyspark-shell", True),
        ("SPARK_HOME", "/opt/spark-2.4", False),
        ("PYSPARK_PYTHON", "/usr/bin/python2", False),
        ("PYSPARK_DRIVER_PYTHON", "jupyter", False),
        # apache/spark#3645
        ("SPARK_LOCAL_IP", "10.99.99.99", False),
        ("SPARK_CONF_DIR", "/opt/spark-2.4/conf", True),
        ("HADOOP_CONF_DIR", "/etc/hadoop/conf", True),
    ],
)
def test_settings_of_another_spark_do_not_count(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, gone: bool
) -> None:
    """The step's Spark is the one that is installed with it."""
    monkeypatch.setattr(os, "environ", {**os.environ, name: value})
    spark.use_own_spark(is_local=True)
    assert os.environ.get(name) != value
    assert (name in os.environ) is not gone
    assert os.environ["SPARK_HOME"] == str(Path(pyspark.__file__).parent)


def test_a_cluster_s_settings_count_on_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod's own address and configuration are its template's."""
    monkeypatch.setattr(os, "environ", {"SPARK_CONF_DIR": "/conf", "SPARK_LOCAL_IP": "10.0.0.7"})
    spark.use_own_spark(is_local=False)
    assert (os.environ["SPARK_CONF_DIR"], os.environ["SPARK_LOCAL_IP"]) == ("/conf", "10.0.0.7")
