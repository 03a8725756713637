"""The commands in a clone with a name as people give them, among settings of a proxy, of another Spark and Keras."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from local.services import embedded
from samples.graph import SITE
from tests.support import workers
from tests.support.clones import copy_tracked
from tests.support.command_line import clean_environment
from tests.support.waiting import wait_until

NAME = "C# & 100 % größe"
"""microsoft/PowerToys#4759, dotnet/roslyn#45360"""
DEAD_PROXY = "http://127.0.0.1:9"
PATIENCE_SECONDS = 300.0

pytestmark = pytest.mark.slow


@pytest.fixture
def foreign(tmp_path: Path) -> dict[str, str]:
    """The variables of a shell that is set up for a proxy that is down, another Spark and another Keras."""
    spark = tmp_path / "spark-2.4"
    (spark / "bin").mkdir(parents=True)
    submit = spark / "bin/spark-submit"
    submit.write_text("#!/bin/sh\necho 'Error: Unrecognized option' >&2\nexit 1\n")
    submit.chmod(0o755)
    (spark / "conf").mkdir()
    (spark / "conf/spark-defaults.conf").write_text("spark.master yarn\nspark.yarn.queue default\n")
    home = tmp_path / "home"
    (home / ".keras").mkdir(parents=True)
    (home / ".keras/keras.json").write_text('{"backend": "theano", "floatx": "float16"}')
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {
        **dict.fromkeys([*proxies, *map(str.lower, proxies)], DEAD_PROXY),
        # jupyter/notebook#743, minrk/findspark#37
        "SPARK_HOME": str(spark),
        "SPARK_CONF_DIR": str(spark / "conf"),
        "PYSPARK_SUBMIT_ARGS": "--master yarn --deploy-mode client pyspark-shell",
        "PYSPARK_PYTHON": "/usr/bin/python2",
        "PYTHONSAFEPATH": "1",
        # easybuilders/easybuild-easyconfigs#23163
        "HOME": str(home),
    }


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with the packages of this one."""
    folder = copy_tracked(tmp_path / NAME)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@contextmanager
def command(clone: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command of the clone, and end it at the end of the block."""
    process = subprocess.Popen(
        [clone / "pr-sentinel", *arguments],
        cwd=clone.parent,
        env=clean_environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def end(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a command, and return its output."""
    assert process.stdout is not None
    output = process.stdout.read()
    process.wait()
    return output


def fetch(url: str) -> str | None:
    """Return the text of a page, None as long as nobody serves it."""
    try:
        answer = requests.get(url, timeout=10)
    except requests.ConnectionError:
        return None
    return answer.text if answer.ok else None


def check_service(clone: Path, environment: dict[str, str]) -> None:
    """Check that the champion is served, its page with what belongs to it, and that it scores."""
    port = workers.free_port()
    address = f"http://{workers.LOOPBACK}:{port}"
    with command(clone, "serve", "--port", str(port), **environment) as process:
        workers.wait_ready(address, lambda: process.poll() is not None)
        assert "app.js" in (fetch(f"{address}/") or "")
        assert fetch(f"{address}/page/app.js")
        answer = requests.post(f"{address}/score_url", json={"url": f"{SITE}/example/docs/pull/305"}, timeout=60)
        assert answer.status_code == 200, answer.text


def test_a_clone_works_where_it_is_and_where_it_is_moved(clone: Path, foreign: dict[str, str], tmp_path: Path) -> None:
    """Pipeline, service and MLflow's pages."""
    with embedded.sample_github(tmp_path) as github:
        environment = foreign | github | {"GITHUB_URL": SITE}
        with command(clone, "run", "--repos", "example/docs", **environment) as process:
            output = end(process)
        assert process.returncode == 0, output
        assert "Model: accepted, version 1." in output
        assert not list(tmp_path.glob("C%*"))  # what does not decode a URL would leave such a folder
        check_service(clone, environment)
        with command(clone, "mlflow", **environment) as process:
            assert "MLflow can't show its pages from a folder with % in its name" in end(process)
        moved = clone.rename(clone.with_name("moved #2 größe"))
        check_service(moved, environment)
    port = workers.free_port()
    with command(moved, "mlflow", "--port", str(port), **foreign):
        wait_until(lambda: fetch(f"http://{workers.LOOPBACK}:{port}/"), "MLflow's page", timeout=PATIENCE_SECONDS)
