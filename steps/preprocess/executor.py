"""The entry point of an executor's pod, which replaces itself with the Java process that Spark's image starts."""

import os
from collections.abc import Mapping

from pyspark.find_spark_home import _find_spark_home

BACKEND = "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
OPTION = "SPARK_JAVA_OPT_"
ARGUMENTS = {
    "--driver-url": "SPARK_DRIVER_URL",
    "--executor-id": "SPARK_EXECUTOR_ID",
    "--cores": "SPARK_EXECUTOR_CORES",
    "--app-id": "SPARK_APPLICATION_ID",
    "--hostname": "SPARK_EXECUTOR_POD_IP",
    "--resourceProfileId": "SPARK_RESOURCE_PROFILE_ID",
    "--podName": "SPARK_EXECUTOR_POD_NAME",
}
"""Spark's driver sets these environment variables."""


def build_command(environment: Mapping[str, str]) -> list[str]:
    """Return the Java command with the options, memory and arguments from the environment."""
    numbered = {int(name.removeprefix(OPTION)): value for name, value in environment.items() if name.startswith(OPTION)}
    memory = environment["SPARK_EXECUTOR_MEMORY"]
    return [
        f"{environment['JAVA_HOME']}/bin/java",
        *(numbered[number] for number in sorted(numbered)),
        *(f"-Xms{memory}", f"-Xmx{memory}"),
        *("-cp", f"{_find_spark_home()}/jars/*", BACKEND),
        *(word for argument, name in ARGUMENTS.items() for word in (argument, environment[name])),
    ]


if __name__ == "__main__":
    java, *arguments = build_command(os.environ)
    os.execv(java, [java, *arguments])  # noqa: S606  the command is Java itself
