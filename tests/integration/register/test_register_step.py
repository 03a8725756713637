"""Register as its container runs it: by Hera's runner, with nothing that its image lacks."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# What the image of register leaves out and the environment of the tests has; BentoML takes none of the small models.
RUNNER = """
import runpy, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"keras", "matplotlib", "onnx", "pandas", "pyod", "pyspark", "scipy", "sklearn",
                                      "tensorflow", "tf2onnx"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from steps.register import package
from tests.support import plain_bento

package.build = plain_bento.build
sys.argv[0] = "runner"
runpy.run_module("hera.workflows.runner", run_name="__main__")
"""


def run(function: str, given: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a function of the contract; its outputs are files below `outputs/parameters`."""
    arguments = folder / "arguments.json"
    arguments.write_text(json.dumps([{"name": name, "value": value} for name, value in given.items()]))
    command = [sys.executable, "-c", RUNNER, "-e", f"steps.register.step:{function}", str(arguments)]
    environment = os.environ | {"hera__outputs_directory": str(folder / "outputs"), "PYTHONPATH": str(Path.cwd())}
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.usefixtures("client")
def test_register_runs_without_packages_that_its_image_lacks(trainings: Any, tmp_path: Path) -> None:
    """The whole step runs without TensorFlow, scikit-learn, PyOD, pandas, matplotlib and Spark."""
    done = run("register", trainings["good"], tmp_path)
    assert done.returncode == 0, done.stderr
    outputs = {path.name: path.read_text() for path in (tmp_path / "outputs" / "parameters").iterdir()}
    assert (outputs["version"], outputs["decision"]) == ("1", "accepted")
    assert outputs["reason"].startswith("First: ")
    assert outputs["bento"].startswith("pr-sentinel:1-")


@pytest.mark.usefixtures("client")
def test_conclude_writes_its_record_and_a_log_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the text that the workflow engine gives to a file in the store."""
    monkeypatch.setenv("STORE_URL", f"file://{tmp_path}/store")
    failures = json.dumps(json.dumps([{"displayName": "train", "message": "Error (exit code 65)", "phase": "Failed"}]))
    done = run("conclude", {"workflow": "pr-sentinel-x7k2p", "status": "Failed", "failures": failures}, tmp_path)
    assert done.returncode == 0, done.stderr
    expected = {
        "workflow": "pr-sentinel-x7k2p",
        "status": "Failed",
        "failures": [{"task": "train", "message": "Error (exit code 65)"}],
        "images": {},
    }
    assert json.loads((tmp_path / "store" / "runs" / "pr-sentinel-x7k2p.json").read_text()) == expected
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line for line in lines if expected.items() <= line.items()]
