"""A model is loaded without a word to anybody."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support import builders

LOAD = "from pathlib import Path; from steps.scoring.model import Model; import sys; Model.load(Path(sys.argv[1]))"


def test_onnxruntime_does_not_start_its_telemetry(tmp_path: Path) -> None:
    """It would begin with a file of its session among the temporary ones, and go on to its maker's address."""
    builders.artefact(tmp_path / "model")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    own = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment = own | {"TMPDIR": str(temporary), "PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, "-c", LOAD, str(tmp_path / "model")], env=environment, check=True)
    assert list(temporary.iterdir()) == []


def test_mlflow_tells_its_maker_nothing() -> None:
    """Whichever command of ours imports it; by itself it would."""
    ask = "from mlflow.telemetry.client import get_telemetry_client as client; print(client() is None)"
    own = {name: value for name, value in os.environ.items() if name not in {"CI", "MLFLOW_DISABLE_TELEMETRY"}}
    command = [sys.executable, "-c", f"import local.backtest.source; {ask}"]
    answer = subprocess.run(command, cwd=Path.cwd(), env=own, capture_output=True, text=True, check=True)
    assert answer.stdout == "True\n"
