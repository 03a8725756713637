"""The line behind a result of a real run of the pipeline, on the command line."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from pymongo import MongoClient

from local import champion
from local.services import embedded
from steps.common.settings import ServeSettings
from steps.scoring.features import NAMES
from steps.serve.app import create_app
from steps.serve.webhooks.messages import escape_markdown
from tests.support.backups import make_state
from tests.support.command_line import SampleRun, call_cli, cli
from tests.support.github import StandIn
from tests.support.predictions import PULL_REQUEST
from tests.support.webhook.hook import SECRET, Hook, serving, shorten_waits

pytestmark = pytest.mark.slow

COMMAND = re.compile(r"`(\./pr-sentinel trace [^`]+)`")


@pytest.fixture(scope="module")
def state(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state after a run, with a prediction; its MongoDB runs on, or each command would start it again."""
    made = make_state(sample_run.state, tmp_path_factory.mktemp("traced") / "state")
    with embedded.mongo(made):
        yield made


def trace(state: Path, store: Path) -> dict[str, Any]:
    """The parts, by name."""
    done = cli("trace", PULL_REQUEST, "--json", "--state", str(state), STORE_URL=f"file://{store}")
    assert done.returncode == 0, done.stdout + done.stderr
    return {part["name"]: part for part in json.loads(done.stdout)["parts"]}


def test_a_result_leads_to_data_run_workflow_and_code(state: Path) -> None:
    """Only what a machine does not have is missing."""
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


def test_the_command_in_a_comment_finds_its_alert(
    state: Path, github: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comment, its delivery with the same reasons, and the registered version that gave them."""
    model = champion.fetch_champion(state).folder / "src" / "model"
    with embedded.data_services(state) as places, MongoClient[dict[str, Any]](places["MONGO_URI"]) as client:
        settings = {name: value for name, value in places.items() if name.lower() in ServeSettings.model_fields}
        settings |= {"WEBHOOK_SECRET": SECRET, "WEBHOOK_MODE": "comment", "MODEL_DIR": str(model)}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        shorten_waits(monkeypatch)
        with serving(create_app()) as address:
            hook = Hook(address, client[places["MONGO_DB"]], github)
            hook.push(additions=90_000, changed_files=900)
            delivery = hook.deliver()
            (comment,) = hook.comments()
        found = COMMAND.search(comment["body"])
        assert found, comment["body"]
        _, *words = shlex.split(found[1])
        done = call_cli(*words, "--json", "--state", str(state), **places)
    assert done.returncode == 0, done.stdout + done.stderr
    facts = {part["name"]: part["facts"] for part in json.loads(done.stdout)["parts"]}
    assert facts["delivery"]["id"] == delivery["_id"]
    assert facts["alert"] == {"mode": "comment", "place": comment["id"], "unusual": True}
    assert facts["reasons"]["reasons"] == delivery["result"]["reasons"]
    assert all(escape_markdown(reason) in comment["body"] for reason in facts["reasons"]["reasons"])
    assert facts["prediction"]["digest"] == facts["model"]["model_sha256"]
    assert f"model pr-sentinel {facts['model']['version']}." in comment["body"]
    assert facts["gate"]["decision"] == "accepted"
