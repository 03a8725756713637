"""How Spark's failures are told."""

import pytest
from py4j.protocol import Py4JNetworkError
from pyspark.errors import PySparkException

from steps.common.errors import AccessRefused, StorageFull, Unavailable
from steps.preprocess.spark import told

WORKER = 'org.apache.spark.SparkException: Job aborted\nTraceback\n  File "mongo.py"\n{}\n\tat org.apache.spark.Task'


@pytest.mark.parametrize(
    ("words", "kind", "match"),
    [
        (WORKER.format("steps.common.errors.Unavailable: MongoDB is away. Check it."), Unavailable, "MongoDB is away"),
        (WORKER.format("steps.common.errors.AccessRefused: No. Check."), AccessRefused, "one of Spark's executors"),
        (WORKER.format("java.io.IOException: No space left on device"), StorageFull, "SPARK_LOCAL_DIRS"),
    ],
)
def test_what_an_executor_met_with_is_told_in_one_line(words: str, kind: type[Exception], match: str) -> None:
    """An error of ours comes back as what it was, a full disk as one, and neither with Spark's trace."""
    with pytest.raises(kind, match=match) as told_error, told():
        raise PySparkException(words)
    assert "\n" not in str(told_error.value)


def test_a_java_process_that_is_gone_is_told() -> None:
    """Losing Java says so, and what most often causes it."""
    with pytest.raises(Unavailable, match="too little memory"), told():
        raise Py4JNetworkError("Answer from Java side is empty")


def test_what_is_not_known_stays_as_it_is() -> None:
    """An error that nobody foresaw keeps its trace."""
    with pytest.raises(PySparkException, match="a bug"), told():
        raise PySparkException("a bug")
