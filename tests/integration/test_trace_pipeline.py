"""The line behind a result of a real run of the pipeline, on the command line."""

import json
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from steps.scoring.features import NAMES
from tests.support.backups import make_state
from tests.support.command_line import SampleRun, cli
from tests.support.predictions import PULL_REQUEST


def trace(state: Path, store: Path) -> dict[str, Any]:
    """The parts, by name."""
    done = cli("trace", PULL_REQUEST, "--json", "--state", str(state), STORE_URL=f"file://{store}")
    assert done.returncode == 0, done.stdout + done.stderr
    return {part["name"]: part for part in json.loads(done.stdout)["parts"]}


def test_a_result_leads_to_data_run_workflow_and_code(sample_run: SampleRun, tmp_path: Path) -> None:
    """Only what a machine does not have is missing."""
    state = make_state(sample_run.state, tmp_path / "state")
    tags = MlflowClient(f"sqlite:///{state}/mlflow.db").get_model_version("pr-sentinel", "1").tags
    parts = trace(state, state / "store")
    missing = {name: set(part["missing"]) for name, part in parts.items() if name != "delivery"}
    assert parts["delivery"]["facts"] == {}
    assert missing == {
        "alert": {"mode", "place", "unusual"},
        "prediction": set(),
        "reasons": {"reasons"},
        "model": set(),
        "gate": set(),
        "dataset": set(),
        "run": set(),
        "workflow": {"images"},
        "code": {"image_digest", "attestation"},
    }
    assert parts["reasons"]["facts"]["features"][NAMES[1]] == 1.0
    assert set(parts["dataset"]["facts"]["watermarks"]) == {"example/webshop", "example/compiler", "example/docs"}
    assert parts["gate"]["facts"]["decision"] == "accepted"
    assert parts["dataset"]["facts"]["hash"] == tags["data_hash"]
    assert parts["code"]["facts"]["git_commit"] == tags["git_commit"]
    assert parts["workflow"]["facts"]["name"].startswith("pr-sentinel-")
