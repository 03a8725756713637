"""A step as its image runs it, and the same on this machine: the same command, inputs and settings."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from steps.common import settings
from tests.containers.docker import RESTRICTED

ROOT = Path(__file__).parents[2]
GIVEN: dict[str, str] = json.loads(os.environ.get("IMAGES", "{}"))
"""Images that are there already, by step: those are tested, and none is built."""
STEPS = tuple(step for step in ("fetch", "preprocess", "train", "register", "monitor") if not GIVEN or step in GIVEN)
IN_CONTAINER = Path("/exchange")
OUTPUTS = "hera__outputs_directory"
OF_STEPS = frozenset(
    name.upper()
    for step in STEPS
    for name in getattr(settings, f"{step.capitalize()}Settings").model_fields  # what this machine names is not meant
)


class Done(NamedTuple):
    """The exit code, log and outputs of a run."""

    code: int
    said: str
    outputs: dict[str, Any]


def contained(image: str, step: str, inputs: Mapping[str, Any], given: Mapping[str, str], folder: Path) -> Done:
    """Run a step in its image, restricted as on a cluster, on this machine's network; `folder` is its exchange."""
    variables = (f"--env={name}={value}" for name, value in {**given, OUTPUTS: f"{IN_CONTAINER}/outputs"}.items())
    mounted = ("--network", "host", "--volume", f"{folder}:{IN_CONTAINER}")
    command = ["docker", "run", "--rm", *RESTRICTED, *mounted, *variables, image, "python"]
    return _run(command, step, inputs, folder, IN_CONTAINER, os.environ)


def local(step: str, inputs: Mapping[str, Any], given: Mapping[str, str], folder: Path) -> Done:
    """Run a step on this machine."""
    own = {name: value for name, value in os.environ.items() if name not in OF_STEPS}
    return _run([sys.executable], step, inputs, folder, folder, {**own, **given, OUTPUTS: f"{folder}/outputs"})


def _run(
    python: Sequence[str],
    step: str,
    inputs: Mapping[str, Any],
    folder: Path,
    seen: Path,
    environment: Mapping[str, str],
) -> Done:
    """Exchange inputs and outputs by a folder, which the step sees as `seen` and anybody may write to."""
    (folder / "outputs").mkdir(parents=True)
    (folder / "outputs").chmod(0o777)
    folder.chmod(0o755)
    contract = getattr(import_module(f"steps.{step}.step"), f"{step.capitalize()}Input")
    usual = {name: field.default for name, field in contract.model_fields.items() if not field.is_required()}
    written = {name: each if isinstance(each, str) else json.dumps(each) for name, each in {**usual, **inputs}.items()}
    parameters = [{"name": name, "value": each} for name, each in written.items()]
    (folder / "inputs.json").write_text(json.dumps(parameters), "utf-8")
    entry = f"steps.{step}.step:{step}"
    done = subprocess.run(
        [*python, "-m", "hera.workflows.runner", "-e", entry, f"{seen}/inputs.json"],
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    files = (folder / "outputs").glob("parameters/*")
    return Done(done.returncode, done.stdout, {file.name: file.read_text("utf-8") for file in files})
