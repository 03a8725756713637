"""Spark's executors on Kubernetes: their settings, and what their pods may do."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from steps.common.errors import ConfigurationError
from steps.preprocess import executors
from steps.preprocess.executor import BACKEND, build_command

ROOT = Path(__file__).parents[2]
POD = {
    "POD_NAME": "a-run-preprocess-1",
    "POD_NAMESPACE": "pr-sentinel",
    "POD_IP": "10.0.0.7",
    "EXECUTOR_IMAGE": "registry.example/preprocess@sha256:00",
}
ENVIRONMENT = {
    "JAVA_HOME": "/java",
    "SPARK_EXECUTOR_MEMORY": "1024m",
    "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@10.0.0.7:7078",
    "SPARK_EXECUTOR_ID": "3",
    "SPARK_EXECUTOR_CORES": "1",
    "SPARK_APPLICATION_ID": "spark-1",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.9",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_EXECUTOR_POD_NAME": "executor-3",
}


@pytest.fixture(autouse=True)
def _pod(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the driver's environment, which holds secrets too."""
    for name in ("VAULT_ADDR", "EXECUTORS"):
        monkeypatch.delenv(name, raising=False)
    secrets = {"MONGO_URI": "mongodb://user:hunter2@mongo", "S3_SECRET_ACCESS_KEY": "hunter2"}
    for name, value in (POD | secrets).items():
        monkeypatch.setenv(name, value)


def test_executors_are_pods_of_the_driver_s_image_in_its_namespace() -> None:
    """They reach it by its IP address, on ports that a network policy can name."""
    settings = executors.build_settings()
    assert settings["spark.kubernetes.container.image"] == POD["EXECUTOR_IMAGE"]
    assert settings["spark.kubernetes.namespace"] == POD["POD_NAMESPACE"]
    assert settings["spark.kubernetes.driver.pod.name"] == POD["POD_NAME"]
    assert settings["spark.driver.host"] == POD["POD_IP"]
    assert (settings["spark.driver.port"], settings["spark.blockManager.port"]) == ("7078", "7079")
    assert settings["spark.executor.instances"] == "2"


def test_no_secret_is_in_spark_s_settings() -> None:
    """The settings become part of the executors' pods, which more people may see than secrets."""
    assert "hunter2" not in str(executors.build_settings())


@pytest.mark.parametrize("name", POD)
def test_a_missing_setting_about_the_pod_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a mistake in the template."""
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=name):
        executors.build_settings()


def test_zero_executors_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark would wait for them forever."""
    monkeypatch.setenv("EXECUTORS", "0")
    with pytest.raises(ConfigurationError, match="EXECUTORS"):
        executors.build_settings()


def test_an_executor_s_pod_has_the_restrictions_of_the_step_s() -> None:
    """The same user and the same restrictions, and no token."""
    pod = yaml.safe_load(Path(executors.SETTINGS["spark.kubernetes.executor.podTemplateFile"]).read_text())["spec"]
    template = yaml.safe_load((ROOT / "gitops/base/workflows/workflow-template.yaml").read_text())
    (step,) = (each for each in template["spec"]["templates"] if each["name"] == "preprocess")
    (container,) = pod["containers"]
    assert pod["securityContext"] == step["securityContext"]
    assert container["securityContext"] == step["script"]["securityContext"]
    assert pod["automountServiceAccountToken"] is False
    volumes: list[dict[str, Any]] = pod["volumes"]
    assert [volume["emptyDir"] for volume in volumes] == [volume["emptyDir"] for volume in step["volumes"]]


def test_its_first_process_becomes_java_as_the_driver_wants_it() -> None:
    """Options in the order of their numbers, then the memory, then who and where it is."""
    options = {f"SPARK_JAVA_OPT_{number}": f"-Done={number}" for number in (10, 2, 0)}
    java, *arguments = build_command(ENVIRONMENT | options)
    assert java == "/java/bin/java"
    assert arguments[:5] == ["-Done=0", "-Done=2", "-Done=10", "-Xms1024m", "-Xmx1024m"]
    told = arguments[arguments.index(BACKEND) + 1 :]
    assert dict(zip(told[::2], told[1::2], strict=True)) == {
        "--driver-url": "spark://CoarseGrainedScheduler@10.0.0.7:7078",
        "--executor-id": "3",
        "--cores": "1",
        "--app-id": "spark-1",
        "--hostname": "10.0.0.9",
        "--resourceProfileId": "0",
        "--podName": "executor-3",
    }
