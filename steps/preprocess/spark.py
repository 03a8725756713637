"""The Spark session: settings for reproducible output, and Spark's failures as errors that a person can fix."""

import os
import re
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
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
    # Tasks hold the credentials of MongoDB and the store; each session has a key of its own.
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    "spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[2]),  # workers may start in any folder
    "spark.driver.memory": "1g",  # large data spills to disk or is in the Python workers
    "spark.sql.adaptive.enabled": "false",  # it would choose partitions, and so files, by size
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    "spark.sql.inMemoryColumnarStorage.batchSize": "1000",  # rows hold texts of up to 256 KiB
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "8",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

LOCAL_SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Java only hands rows to the Python workers: to optimise that code takes longer than it saves.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
"""Without executors on other machines, the driver listens on the loopback interface only."""

FOREIGN_VARIABLES = ("SPARK_CONF_DIR", "SPARK_MASTER", "SPARK_DIST_CLASSPATH", "HADOOP_CONF_DIR", "YARN_CONF_DIR")
"""Settings of a cluster that a person's shell may have; without executors none of them applies."""

KUBERNETES_SCHEME = "k8s://"

MAX_OUTPUT_LINES = 3

_OUR_ERROR = re.compile(r"steps\.common\.errors\.(\w+): (.+)")
_FORBIDDEN = re.compile(r"is forbidden: (.+?)\. Received status")
_CLIENT_ERROR = re.compile(r"KubernetesClientException: (.+)")
_BACKEND_TIMEOUT = "Spark context stopped while waiting for backend"
_output: deque[str] = deque(maxlen=50)
"""The last lines that this process's Java process wrote, without stack frames."""


@contextmanager
def open_session(master: str) -> Iterator[SparkSession]:
    """Open a Spark session at `master` and stop it afterwards.

    Raises:
        ConfigurationError: Java is missing or can't run Spark; or a setting about the driver's pod is missing.
        SentinelError: an executor raised one of this kind.
        StorageFull, Unavailable: Spark's disk is full; its Java process ended; no executor is ready in time.
    """
    on_kubernetes = master.startswith(KUBERNETES_SCHEME)
    use_own_spark(is_local=master.startswith("local"))
    own = executors.build_settings() if on_kubernetes else LOCAL_SETTINGS if master.startswith("local") else {}
    settings = SETTINGS | own
    with translate_errors():
        spark = SparkSession(_create_context(SparkConf().setMaster(master).setAll(list(settings.items()))))
        try:
            if on_kubernetes:
                executors.wait_for_executor(spark.sparkContext)
            yield spark
        finally:
            spark.stop()


def use_own_spark(*, is_local: bool) -> None:
    """Make this process use the Spark that it is installed with, whatever the environment says of another one.

    On one machine, nothing is asked of its network and of a cluster's settings: its name need not resolve.
    """
    os.environ.pop("PYSPARK_SUBMIT_ARGS", None)
    own = {"SPARK_HOME": str(Path(pyspark.__file__).parent)}
    own |= dict.fromkeys(("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"), sys.executable)
    if is_local:
        own |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}
        for name in FOREIGN_VARIABLES:
            os.environ.pop(name, None)
    os.environ.update(own)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate Spark's exceptions into errors that a person can fix; unknown ones pass unchanged."""
    try:
        yield
    except (Py4JNetworkError, ConnectionError) as error:
        raise Unavailable(
            f"Spark's Java process ended ({type(error).__name__}).", advice="The usual cause is too little memory."
        ) from error
    except (Py4JJavaError, PySparkException) as error:
        if (known := _translate_message(str(error))) is None:
            raise
        raise known from None


def _translate_message(message: str) -> SentinelError | None:
    """Return our error that an executor's message ends with, or the error for a known failure of Spark."""
    if ours := _OUR_ERROR.search(message):
        kind: type[SentinelError] = getattr(errors, ours[1])
        return kind(ours[2].strip(), advice="It occurred in one of Spark's executors.")
    if refused := _FORBIDDEN.search("\n".join(_output) if _BACKEND_TIMEOUT in message else message):
        full = "exceeded quota" in refused[1]
        kind = Unavailable if full else AccessRefused
        advice = "Raise the quota, or wait for other pods to end." if full else "Check the step's role."
        return kind(f"Kubernetes refuses Spark's request: {refused[1]}.", advice=advice)
    if failed := _CLIENT_ERROR.search(message):
        return Unavailable(
            f"Kubernetes does not answer Spark: {failed[1]}", advice="Check spark_master and the network."
        )
    if errors.mentions_storage_full(message):
        return StorageFull("Spark has no disk space left.", advice="Free some space, or set SPARK_LOCAL_DIRS.")
    return None


def _create_context(conf: SparkConf) -> SparkContext:
    """Create a context on this process's only Java process, starting it if necessary."""
    if SparkContext._gateway:
        return SparkContext(conf=conf)
    reading, writing = os.pipe()
    listener = threading.Thread(target=forward_logs, args=(reading, _output), daemon=True)
    listener.start()
    try:
        gateway = launch_gateway(conf, {"stderr": writing})  # type: ignore[no-untyped-call]
    except PySparkRuntimeError:
        os.close(writing)
        listener.join()
        raise ConfigurationError(
            f"Spark can't start its Java process: {' '.join(list(_output)[-MAX_OUTPUT_LINES:])}",
            advice="Set JAVA_HOME to the folder of a Java runtime, 17 or later; check spark_master.",
        ) from None
    os.close(writing)
    return SparkContext(conf=conf, gateway=gateway)


def forward_logs(descriptor: int, output: deque[str]) -> None:
    """Forward the log lines of our code in Spark's local workers to standard error; keep the rest in `output`."""
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.startswith('{"time"'):
                sys.stderr.write(line)
            elif not line.startswith("\tat "):
                output.append(line.strip())
