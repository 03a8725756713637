"""Errors when Spark's executors can't start."""

from pathlib import Path

import pytest

from local.services import java
from steps.common.errors import ConfigurationError, Unavailable
from steps.preprocess import executors, spark

pytestmark = pytest.mark.slow

NOWHERE = "k8s://https://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java.home(tmp_path)))
    monkeypatch.delenv("VAULT_ADDR", raising=False)


def test_a_missing_setting_about_the_driver_s_pod_is_named() -> None:
    """Before Java is started."""
    with pytest.raises(ConfigurationError, match="EXECUTOR_IMAGE"), spark.open_session(NOWHERE):
        pass


def test_an_unreachable_cluster_is_a_transient_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, without Java's traceback."""
    for name in ("POD_IP", "POD_NAME", "POD_NAMESPACE", "EXECUTOR_IMAGE"):
        monkeypatch.setenv(name, "127.0.0.1")
    with (
        pytest.raises(Unavailable, match=r"Kubernetes does not answer Spark: .*\[127\.0\.0\.1\]"),
        spark.open_session(NOWHERE),
    ):
        pass


def test_waiting_for_executors_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """For example, if their image can't be pulled or no node has room."""
    monkeypatch.setattr(executors, "FIRST_EXECUTOR_TIMEOUT_SECONDS", 0.0)
    with spark.open_session("local[1]") as session, pytest.raises(Unavailable, match="Spark executor was ready"):
        executors.wait_for_executor(session.sparkContext)
