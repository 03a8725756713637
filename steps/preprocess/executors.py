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
FIRST_EXECUTOR_TIMEOUT_SECONDS = 300.0
POLL_INTERVAL_SECONDS = 0.5

SETTINGS = {
    "spark.kubernetes.authenticate.executor.serviceAccountName": SERVICE_ACCOUNT,
    "spark.kubernetes.executor.podTemplateFile": str(Path(__file__).with_name("executor.yaml")),
    # With these the driver needs no permissions except on pods.
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
}


class ExecutorSettings(StepSettings):
    """Facts about the driver's own pod, and the number of executors."""

    pod_name: str = Field(description="name of the driver's pod")
    pod_namespace: str = Field(description="namespace of the driver's pod")
    pod_ip: str = Field(description="IP address of the driver's pod")
    executor_image: str = Field(description="image of the executors, which is the driver's own")
    executors: int = Field(2, ge=1, description="number of executors")


def build_settings() -> dict[str, str]:
    """Build Spark's settings for executors in this pod's namespace.

    Raises:
        ConfigurationError: a setting about the pod is missing.
    """
    pod = load(ExecutorSettings)
    return SETTINGS | {
        "spark.driver.host": pod.pod_ip,
        "spark.executor.instances": str(pod.executors),
        "spark.kubernetes.container.image": pod.executor_image,
        "spark.kubernetes.driver.pod.name": pod.pod_name,
        "spark.kubernetes.namespace": pod.pod_namespace,
    }


def wait_for_executor(context: SparkContext) -> None:
    """Wait for the first executor; Spark itself would wait forever.

    Raises:
        Unavailable: no executor is ready in time.
    """
    deadline = time.monotonic() + FIRST_EXECUTOR_TIMEOUT_SECONDS
    while context._jsc.sc().getExecutorMemoryStatus().size() == 1:  # includes the driver
        if time.monotonic() > deadline:
            raise Unavailable(
                f"No Spark executor was ready within {FIRST_EXECUTOR_TIMEOUT_SECONDS:.0f} s.",
                advice="Run `kubectl get pods,events` to see why, for example a quota, a missing image or full nodes.",
            )
        time.sleep(POLL_INTERVAL_SECONDS)
