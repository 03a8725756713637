"""The Spark session: the settings that make the same input give the same bytes, and its failures told in words."""

import os
import re
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from py4j.protocol import Py4JJavaError, Py4JNetworkError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from steps.common import errors
from steps.common.errors import AccessRefused, ConfigurationError, SentinelError, StorageFull, Unavailable
from steps.preprocess import executors

SETTINGS = {
    "spark.app.name": "pr-sentinel",
    "spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[2]),  # workers may start in any folder
    "spark.driver.memory": "1g",  # what is large spills to disk or is in the Python workers
    "spark.sql.adaptive.enabled": "false",  # it would choose partitions by size and so the files by chance
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    "spark.sql.inMemoryColumnarStorage.batchSize": "1000",  # rows hold texts of up to 256 KiB
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "8",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

ONE_MACHINE = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
"""Where there are no executors elsewhere, nobody on the network has to reach the driver."""

KUBERNETES = "k8s://"

LAST_WORDS = 3

_OURS = re.compile(r"steps\.common\.errors\.(\w+): (.+)")
_REFUSED = re.compile(r"is forbidden: (.+?)\. Received status")
_FAILED = re.compile(r"KubernetesClientException: (.+)")
_GAVE_UP = "Spark context stopped while waiting for backend"
_said: deque[str] = deque(maxlen=50)
"""What this process's one Java process wrote last, without frames."""


@contextmanager
def session(master: str) -> Iterator[SparkSession]:
    """A Spark session at `master`, stopped afterwards.

    Raises:
        ConfigurationError: there is no Java, or it can't run Spark; or the pod isn't told what executors need.
        SentinelError: of the kind that an executor raised.
        StorageFull, Unavailable: Spark's own disk is full; its Java process is gone; no executor comes up.
    """
    os.environ["PYSPARK_PYTHON"] = sys.executable
    on_kubernetes = master.startswith(KUBERNETES)
    place = executors.settings() if on_kubernetes else ONE_MACHINE if master.startswith("local") else {}
    settings = SETTINGS | place
    with told():
        spark = SparkSession(_context(SparkConf().setMaster(master).setAll(list(settings.items()))))
        try:
            if on_kubernetes:
                executors.wait(spark.sparkContext)
            yield spark
        finally:
            spark.stop()


@contextmanager
def told() -> Iterator[None]:
    """Turn what Spark raises into what a person can mend."""
    try:
        yield
    except (Py4JNetworkError, ConnectionError) as error:
        raise Unavailable(
            f"Spark's Java process ended ({type(error).__name__}).", advice="Most often it had too little memory."
        ) from error
    except (Py4JJavaError, PySparkException) as error:
        if (known := _known(str(error))) is None:
            raise
        raise known from None


def _known(words: str) -> SentinelError | None:
    """The error of ours that an executor's words end with, or the full disk they tell of."""
    if ours := _OURS.search(words):
        kind: type[SentinelError] = getattr(errors, ours[1])
        return kind(ours[2].strip(), advice="It was one of Spark's executors that met with it.")
    if refused := _REFUSED.search("\n".join(_said) if _GAVE_UP in words else words):
        full = "exceeded quota" in refused[1]
        kind = Unavailable if full else AccessRefused
        advice = "Raise the quota, or wait for others." if full else "Check the step's service account and its role."
        return kind(f"Kubernetes refuses what Spark asks of it: {refused[1]}.", advice=advice)
    if failed := _FAILED.search(words):
        return Unavailable(
            f"Kubernetes does not answer Spark: {failed[1]}", advice="Check spark_master and the way to the API server."
        )
    if "No space left on device" in words:
        return StorageFull("Spark has no disk space left.", advice="Free some, or point SPARK_LOCAL_DIRS elsewhere.")
    return None


def _context(conf: SparkConf) -> SparkContext:
    """A context on this process's one Java process, started where there is none yet."""
    if SparkContext._gateway:
        return SparkContext(conf=conf)
    reading, writing = os.pipe()
    listener = threading.Thread(target=listen, args=(reading, _said), daemon=True)
    listener.start()
    try:
        gateway = launch_gateway(conf, {"stderr": writing})  # type: ignore[no-untyped-call]
    except PySparkRuntimeError:
        os.close(writing)
        listener.join()
        raise ConfigurationError(
            f"Spark can't start its Java process: {' '.join(list(_said)[-LAST_WORDS:])}",
            advice="Let JAVA_HOME name the folder of a Java runtime, 17 or later; check spark_master.",
        ) from None
    os.close(writing)
    return SparkContext(conf=conf, gateway=gateway)


def listen(descriptor: int, said: deque[str]) -> None:
    """Hand on what our own code logs in Spark's local workers, and keep Spark's chatter away from people."""
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.startswith('{"time"'):
                sys.stderr.write(line)
            elif not line.startswith("\tat "):
                said.append(line.strip())
