"""What Spark says where its executors can't come."""

from pathlib import Path

import pytest

from local.services import java
from steps.common.errors import ConfigurationError, Unavailable
from steps.preprocess import executors, spark

NOWHERE = "k8s://https://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java.home(tmp_path)))
    monkeypatch.delenv("VAULT_ADDR", raising=False)


def test_outside_a_pod_there_is_nothing_to_start_them_from() -> None:
    """Said before Java is started."""
    with pytest.raises(ConfigurationError, match="EXECUTOR_IMAGE"), spark.open_session(NOWHERE):
        pass


def test_a_cluster_that_does_not_answer_is_worth_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, without Java's trace."""
    for name in ("POD_IP", "POD_NAME", "POD_NAMESPACE", "EXECUTOR_IMAGE"):
        monkeypatch.setenv(name, "127.0.0.1")
    with (
        pytest.raises(Unavailable, match=r"Kubernetes does not answer Spark: .*\[127\.0\.0\.1\]"),
        spark.open_session(NOWHERE),
    ):
        pass


def test_executors_that_do_not_come_are_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where their image can't be pulled, or no node has room for them."""
    monkeypatch.setattr(executors, "FIRST_EXECUTOR_TIMEOUT_SECONDS", 0.0)
    with spark.open_session("local[1]") as session, pytest.raises(Unavailable, match="Spark executor was ready"):
        executors.wait_for_executor(session.sparkContext)
