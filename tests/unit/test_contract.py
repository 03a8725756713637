"""Invalid parameters of a step, as a person may type anything after `-p`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from steps.common.errors import ConfigurationError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("entry", "given", "said"),
    [
        ("steps.fetch.step:discover", {"repositories": "owner/name"}, "repositories: Input should be a valid list"),
        ("steps.train.step:train", {"dataset_uri": "x", "seed": "many"}, "seed: Input should be a valid integer"),
    ],
)
def test_an_invalid_parameter_is_named(tmp_path: Path, entry: str, given: dict[str, str], said: str) -> None:
    """In one line, by the step as its container runs it, with an exit code that prevents retries."""
    defaults = {"search": "", "search_limit": "20", "alert_budget": "0.01"}
    source = tmp_path / "source"
    source.write_text(json.dumps([{"name": name, "value": value} for name, value in (defaults | given).items()]))
    command = [sys.executable, "-m", "hera.workflows.runner", "-e", entry, str(source)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == ConfigurationError.exit_code
    line = json.loads(ended.stderr.splitlines()[-1])
    assert line["message"].startswith("Invalid parameters: ")
    assert said in line["message"]
    assert "JSON" in line["advice"]
