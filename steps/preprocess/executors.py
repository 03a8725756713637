"""Spark on Kubernetes: its executors are pods of the driver's own image in the driver's own namespace."""

import time
from pathlib import Path

from pydantic import Field
from pyspark import SparkContext

from steps.common.errors import Unavailable
from steps.common.settings import StepSettings, load

SERVICE_ACCOUNT = "pr-sentinel-executor"
DRIVER_PORT = 7078
BLOCKS_PORT = 7079
FIRST_WITHIN_SECONDS = 300.0
LOOK_EVERY_SECONDS = 0.5

SETTINGS = {
    "spark.kubernetes.authenticate.executor.serviceAccountName": SERVICE_ACCOUNT,
    "spark.kubernetes.executor.podTemplateFile": str(Path(__file__).with_name("executor.yaml")),
    # With these the driver needs no rights but those on pods.
    "spark.kubernetes.executor.disableConfigMap": "true",
    "spark.kubernetes.driver.service.deleteOnTermination": "false",
    "spark.kubernetes.driver.ownPersistentVolumeClaim": "false",
    "spark.kubernetes.driver.reusePersistentVolumeClaim": "false",
    "spark.executor.cores": "1",
    "spark.kubernetes.executor.request.cores": "250m",
    "spark.kubernetes.executor.limit.cores": "1",
    "spark.executor.memory": "1g",
    "spark.executor.memoryOverhead": "1g",  # of the Python workers
    "spark.driver.port": str(DRIVER_PORT),
    "spark.driver.blockManager.port": str(BLOCKS_PORT),
    "spark.blockManager.port": str(BLOCKS_PORT),
    # Work that goes to executors holds what opens MongoDB and the store; the key is made for each session.
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
}


class ExecutorSettings(StepSettings):
    """What the driver's pod is told of itself, and how many executors it asks for."""

    pod_name: str = Field(description="name of the driver's pod")
    pod_namespace: str = Field(description="namespace of the driver's pod")
    pod_ip: str = Field(description="IP address of the driver's pod")
    executor_image: str = Field(description="image of the executors, which is the driver's own")
    executors: int = Field(2, ge=1, description="number of executors")


def settings() -> dict[str, str]:
    """Spark's settings for executors beside this pod.

    Raises:
        ConfigurationError: the pod is not told what it has to know.
    """
    told = load(ExecutorSettings)
    return SETTINGS | {
        "spark.driver.host": told.pod_ip,
        "spark.executor.instances": str(told.executors),
        "spark.kubernetes.container.image": told.executor_image,
        "spark.kubernetes.driver.pod.name": told.pod_name,
        "spark.kubernetes.namespace": told.pod_namespace,
    }


def wait(context: SparkContext) -> None:
    """Wait for the first executor, for Spark would wait for ever.

    Raises:
        Unavailable: there is none after some minutes.
    """
    until = time.monotonic() + FIRST_WITHIN_SECONDS
    while context._jsc.sc().getExecutorMemoryStatus().size() == 1:  # the driver is in it
        if time.monotonic() > until:
            raise Unavailable(
                f"None of Spark's executors came up within {FIRST_WITHIN_SECONDS:.0f} s.",
                advice="kubectl get pods,events shows why: a quota, an image that can't be pulled, or too full nodes.",
            )
        time.sleep(LOOK_EVERY_SECONDS)
