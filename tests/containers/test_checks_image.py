"""The image of the checks: its help, its contents, and checks that pass and fail inside it."""

import json
import subprocess
from collections.abc import Iterator

import pytest
import requests

from tests.containers.docker import RESTRICTED, TOOLS, Container, docker, python, running
from tests.support import candidates

CHECKS = ("identity", "golden", "behaviour", "speed", "compare")
FOREIGN = ("boto3", "bentoml", "onnxruntime", "pyarrow", "pyspark", "tensorflow", "mlflow", "hera", "github", "sklearn")
NOWHERE = ("pip", "uv", "ensurepip", "secantus", "moto")
FOLDERS = ("/", "/app", "/app/rollouts", "/app/steps", "/venv", "/etc", "/usr/local", "/home")
MOST_MEGABYTES = 250
OTHER = "0" * 64


@pytest.fixture(scope="module")
def service(image: str, options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """The service in its own image, ready, with a model whose golden pull requests differ."""
    models = tmp_path_factory.mktemp("models")
    candidates.write(models, candidates.rows())
    (models / "good").chmod(0o755)
    with running(image, options, "--volume", f"{models}/good:/model:ro", "--env", "MODEL_DIR=/model") as container:
        yield container.wait()


def check(image: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a check as a cluster does."""
    command = ["docker", "run", "--rm", *RESTRICTED, "--network", "host", image, "python", "-m", "rollouts.checks"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def digest(service: Container) -> str:
    """That of the model which answers."""
    return str(requests.get(f"{service.address}/model", timeout=10).json()["digest"])


def test_without_a_command_it_says_how_to_use_it(checks_image: str) -> None:
    """The checks and the meaning of the exit codes."""
    said = docker("run", "--rm", *RESTRICTED, checks_image)
    assert all(name in said for name in CHECKS)
    assert "0 for passed, 1 for failed, 2 for inconclusive" in " ".join(said.split())


@pytest.mark.parametrize("name", ["identity", "golden"])
def test_a_check_passes_what_it_expects_and_nothing_else(name: str, checks_image: str, service: Container) -> None:
    """Against the service's own image: its model, another one, and nobody."""
    right = check(checks_image, name, service.address, f"--digest={digest(service)}")
    assert (right.returncode, right.stdout.splitlines()[-1]) == (0, f"{name}: passed"), right.stderr
    wrong = check(checks_image, name, service.address, f"--digest={OTHER}")
    assert (wrong.returncode, wrong.stdout.splitlines()[-1]) == (1, f"{name}: failed"), wrong.stderr
    unsaid = check(checks_image, name, service.address)
    assert (unsaid.returncode, unsaid.stdout.splitlines()[-1]) == (2, f"{name}: inconclusive"), unsaid.stderr
    nobody = check(checks_image, name, "http://127.0.0.1:9", f"--digest={OTHER}")
    assert (nobody.returncode, nobody.stdout.splitlines()[-1]) == (1, f"{name}: failed"), nobody.stderr


def test_locust_runs_in_it(checks_image: str, service: Container) -> None:
    """With limits that it can't keep, it says so; with a model that doesn't answer, it does not begin."""
    short = ("--env=LOAD_SECONDS=3", "--env=LOAD_THROUGHPUT=9999")
    command = ["docker", "run", "--rm", *RESTRICTED, "--network", "host", *short, checks_image]
    speed = ("python", "-m", "rollouts.checks", "speed", service.address)
    slow = subprocess.run([*command, *speed], capture_output=True, text=True, check=False)
    assert slow.returncode == 1
    assert "BROKEN  throughput" in slow.stdout
    assert "correct" in slow.stdout
    other = check(checks_image, "speed", service.address, f"--digest={OTHER}")
    assert other.returncode == 1
    assert "wrong model" in other.stderr


def test_the_others_have_what_they_need_in_it(checks_image: str, service: Container) -> None:
    """The pull requests of the samples are scored and compared, and MongoDB is asked for by name."""
    behaviour = check(checks_image, "behaviour", service.address, f"--against={service.address}/")
    assert behaviour.returncode == 1
    assert "would be compared with itself" in behaviour.stdout
    compare = check(checks_image, "compare", "--versions", "3", "4")
    assert compare.returncode == 78
    assert "MONGO_URI" in compare.stderr


def test_it_runs_as_nobody_on_a_root_that_is_not_written_to(checks_image: str) -> None:
    """Also where its root could be written to, nothing that it has is its user's own."""
    who = "import os; print(os.getuid(), os.getgid(), os.getgroups())"
    assert python(checks_image, who) == "65532 65532 [65532]"
    writable = f"import os; print([name for name in {FOLDERS} if os.access(name, os.W_OK)])"
    assert python(checks_image, writable) == "[]"
    command = ["docker", "run", "--rm", *RESTRICTED, checks_image, "touch", "/app/new"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr


def test_no_tool_and_no_step_s_package_is_in_it(checks_image: str) -> None:
    """Nothing that installs, compiles or fetches, neither in its environment nor beneath it."""
    tools = f"import shutil; print([name for name in {TOOLS} if shutil.which(name)])"
    find = f"from importlib.util import find_spec as find; print([n for n in {FOREIGN + NOWHERE} if find(n)])"
    beneath = f"import subprocess, sys; subprocess.run([sys._base_executable, '-c', {find!r}])"
    assert [python(checks_image, code) for code in (tools, find, beneath)] == ["[]"] * 3


def test_it_says_what_it_is(checks_image: str) -> None:
    """By the labels that registries show."""
    (found,) = json.loads(docker("image", "inspect", checks_image))
    labels = found["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "PR Sentinel: checks"
    assert labels["org.opencontainers.image.version"] == "7-x"
    assert found["Config"]["User"] == "65532:65532"
    assert found["Config"].get("Entrypoint") is None


def test_it_is_small_beyond_its_base(checks_image: str) -> None:
    """Unpacked: its packages and its code."""
    files = "(path for top in ('/venv', '/app') for path in Path(top).rglob('*'))"
    sizes = f"from pathlib import Path; print(sum(path.lstat().st_size for path in {files}))"
    assert int(python(checks_image, sizes)) <= MOST_MEGABYTES * 1_000_000
