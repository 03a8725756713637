"""`make serve`: the champion's Bento, served until a signal; whatever is missing is named."""

import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from local.services import embedded
from samples.graph import SITE
from steps.serve.http.examples import PULL_REQUEST
from tests.support import workers
from tests.support.command_line import cli
from tests.support.serve_command import serving

WELL = "Serving version 1 (pr-sentinel:1-"


def serve(state: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends by itself."""
    return cli("serve", "--state", str(state), "--port", str(workers.free_port()), *arguments, **environment)


def test_the_command_serves_the_champion_and_prints_the_url(trained: Path) -> None:
    """With the histories of the run, and the URLs of the samples' pull requests."""
    with serving(trained) as served:
        said = served.ready()
        (named,) = (line for line in said if line.startswith(WELL))
        assert named.endswith(f"at {served.address}; press Ctrl-C to stop it.")
        (curl,) = (line for line in said if line.startswith("curl "))
        answer = requests.post(f"{served.address}/score_url", json={"url": curl.split('"')[3]}, timeout=60)
        assert answer.status_code == 200, answer.text
        assert answer.headers["X-Model"] == "pr-sentinel:1"
        (result,) = answer.json()["results"]
        assert (result["history"], len(result["reasons"])) == ("repository", 3)
        assert curl.split('"')[3].startswith(SITE)


@pytest.mark.slow
def test_a_pipeline_run_shares_the_embedded_mongodb(state: Path) -> None:
    """The second one uses the server of the first; in the folder of all, another test may have been first."""
    with serving(state) as served:
        served.ready()
        with embedded.mongo(state) as uri:
            assert any(str(urlsplit(uri).port) in process.cmdline() for process in served.family)
        assert workers.score(served.address, {**PULL_REQUEST, "base": base("example/docs")}).ok
        code, _ = served.stop(signal.SIGTERM)
        assert code == 0


def base(repository: str) -> dict[str, object]:
    """Return the base of a pull request."""
    return {"ref": "main", "repo": {"full_name": repository}}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_process_behind(state: Path, number: signal.Signals) -> None:
    """Requests in flight are answered, every process ends, and the exit code is 0."""
    with serving(state) as served:
        served.ready()
        assert len(served.family) >= 3
        request = workers.Request(served.port, PULL_REQUEST)
        served.process.send_signal(number)
        assert request.end()[0] == 200
        words, _ = served.process.communicate(timeout=60)
        assert (served.process.returncode, words.splitlines()[-1]) == (0, "Stopped.")
        assert psutil.wait_procs(served.family, timeout=10)[1] == []


@pytest.mark.slow
def test_a_kill_leaves_no_process_behind(state: Path) -> None:
    """Not even by kill -9."""
    with serving(state) as served:
        served.ready()
        served.process.kill()
        assert psutil.wait_procs(served.family, timeout=60)[1] == []


@pytest.mark.slow
def test_a_service_that_dies_ends_the_command(state: Path) -> None:
    """With a failing exit code, and no process left."""
    with serving(state) as served:
        served.ready()
        (worker,) = (one for one in served.family if "steps.serve.bento_worker" in one.cmdline())
        worker.kill()
        served.process.communicate(timeout=60)
        assert served.process.returncode == 128 + signal.SIGKILL
        assert psutil.wait_procs(served.family, timeout=10)[1] == []


def test_a_missing_model_is_reported_with_advice(tmp_path: Path) -> None:
    """And no registry is created."""
    done = serve(tmp_path)
    assert done.returncode == 66
    assert done.stderr.startswith("There is no champion model yet.\nRun make run")
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """Before anything is started."""
    with socket.create_server((workers.LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        done = cli("serve", "--state", str(tmp_path), "--port", port)
    assert done.returncode == 78
    assert done.stderr.splitlines() == [
        f"Cannot listen on 127.0.0.1:{port}: Address already in use.",
        "Stop the process that listens there, or use another port (PORT=).",
    ]


def test_a_host_of_another_machine_is_refused(tmp_path: Path) -> None:
    """The host is not on this machine."""
    done = serve(tmp_path, "--host", "192.0.2.1")
    assert done.returncode == 78
    assert "Cannot listen on 192.0.2.1:" in done.stderr


def test_a_service_that_does_not_get_ready_is_reported(state: Path) -> None:
    """Its own output comes first."""
    done = serve(state, WEBHOOK_MODE="shout")
    assert done.returncode == 75
    assert "WEBHOOK_MODE" in done.stderr
    assert "The service exited before it was ready." in done.stderr
