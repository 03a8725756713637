"""The image of the service: it runs as nobody, on a root that can't be written to, with nothing it does not use."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
import requests

from steps.common.pull_request import PullRequest
from steps.scoring.model import Model
from steps.serve import scorer
from steps.serve.histories import SourcedHistory
from steps.serve.http.examples import PULL_REQUEST
from tests.containers.docker import TOOLS, docker, python, running
from tests.support import bentos, workers
from tests.support.waiting import wait_until

MOST_BYTES = 400_000_000
MODULES = ("pip", "uv", "ensurepip", "tensorflow", "keras", "pyspark", "mlflow", "pandas", "sklearn", "boto3", "hera")
FOLDERS = ("/", "/bento", "/bento/src", "/bento/src/model", "/venv", "/etc", "/usr/local", "/home")


def test_it_scores_as_here_and_names_its_model(image: str, bento: bentos.Bento, options: list[str]) -> None:
    """With a root that can't be written to, no capability, and one small folder of its own."""
    with running(image, options) as container:
        answer = workers.score(container.wait().address, PULL_REQUEST)
        assert answer.status_code == 200, answer.text
        assert answer.headers["X-Model"] == "pr-sentinel:7"
        assert answer.json()["results"] == [score_here(bento)]
        assert requests.get(f"{container.address}/", timeout=10).ok


def score_here(bento: bentos.Bento) -> dict[str, Any]:
    """The result for the same pull request by the same model, outside of the image and without a history too."""
    given = scorer.ScoreInput(PullRequest.model_validate(PULL_REQUEST), SourcedHistory(None, "none"))
    (scored,) = scorer.score(Model.load(bento.model), [given])
    result = scored.result
    return result.model_dump() | {"score": pytest.approx(result.score), "threshold": pytest.approx(result.threshold)}


def test_a_pickle_is_refused_here_too(image: str, options: list[str]) -> None:
    """The attack stands beside the ordinary use."""
    with running(image, options) as container:
        body, headers = b"\x80\x04K\x01.", {"Content-Type": "application/vnd.bentoml+pickle"}
        refusal = requests.post(f"{container.wait().address}/score", data=body, headers=headers, timeout=10)
    assert refusal.status_code == 415


def test_it_runs_as_nobody(image: str, options: list[str]) -> None:
    """Its first process and whatever is run in it."""
    with running(image, options) as container:
        container.wait()
        assert container.python("import os; print(os.getuid(), os.getgid(), os.getgroups())") == "65532 65532 [65532]"
        assert container.python("print(open('/proc/1/status').read().split('Uid:')[1].split()[:4])") == str(
            ["65532"] * 4
        )


def test_nothing_in_it_is_its_user_s(image: str) -> None:
    """Even where the root could be written to, the code and the model could not."""
    writable = f"import os; print([name for name in {FOLDERS} if os.access(name, os.W_OK)])"
    assert python(image, writable) == "[]"


@pytest.mark.parametrize("name", TOOLS)
def test_no_tool_is_in_it(image: str, name: str) -> None:
    """Nothing that installs, compiles or fetches."""
    assert python(image, f"import shutil; print(shutil.which({name!r}))") == "None"


def test_nothing_of_training_is_in_it(image: str) -> None:
    """No TensorFlow, no Spark, no MLflow; and no installer for them, neither in its environment nor beneath it."""
    find = f"from importlib.util import find_spec as find; print([name for name in {MODULES} if find(name)])"
    beneath = f"import subprocess, sys; subprocess.run([sys._base_executable, '-c', {find!r}])"
    assert (python(image, find), python(image, beneath)) == ("[]", "[]")


def test_it_needs_no_network(image: str) -> None:
    """Ready without one, so it asks nobody for anything on its way."""
    code = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}/readyz', timeout=5).status)"
    with running(image, ["--network", "none"]) as container:

        def is_ready() -> bool:
            assert container.state()["Running"]
            with suppress(AssertionError):
                return container.python(code.format(port=container.port)) == "200"
            return False

        wait_until(is_ready, "it is ready", timeout=60, interval=0.5)


def test_a_stopped_service_finishes_its_requests(image: str, options: list[str]) -> None:
    """And ends with exit code 0 before anybody would kill it."""
    with running(image, options) as container:
        request = workers.Request(container.wait().port, PULL_REQUEST)
        docker("kill", "--signal", "SIGTERM", container.name)
        time.sleep(0.5)
        assert request.end()[0] == 200
        assert docker("wait", container.name).strip() == "0"


def test_it_ends_where_its_settings_are_wrong(image: str, options: list[str]) -> None:
    """So that whoever runs it sees it, instead of a service that is never ready."""
    with running(image, options, "--env", "WEBHOOK_MODE=shout") as container:
        assert docker("wait", container.name).strip() != "0"
        assert "WEBHOOK_MODE" in container.logs()


def test_it_says_what_it_is(image: str) -> None:
    """By the labels that registries show, and how it wants to be stopped."""
    (found,) = json.loads(docker("image", "inspect", image))
    labels = {
        name.removeprefix("org.opencontainers.image."): value for name, value in found["Config"]["Labels"].items()
    }
    assert (labels["title"], labels["version"], labels["revision"]) == ("PR Sentinel", "7-x", "a-commit")
    assert labels["licenses"] == "Apache-2.0"
    assert (found["Config"]["User"], found["Config"]["StopSignal"]) == ("65532:65532", "SIGTERM")
    assert found["Config"]["Entrypoint"][:3] == ["python", "-m", "steps.serve.bento_worker"]


def test_it_is_small_beyond_its_base(image: str) -> None:
    """Unpacked: its packages, its code and its model."""
    files = "(path for top in ('/venv', '/bento') for path in Path(top).rglob('*'))"
    sizes = f"from pathlib import Path; print(sum(path.lstat().st_size for path in {files}))"
    assert int(python(image, sizes)) <= MOST_BYTES
