"""What a new user meets at the webhook: the command that sends a sample, and events of other Apps."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from samples import deliver
from tests.support.webhook.hook import SECRET, Hook

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("secret", "code", "words"), [(SECRET, 0, "202"), ("another secret of mine", 1, "401")])
def test_the_command_fails_if_the_service_refuses(hook: Hook, secret: str, code: int, words: str) -> None:
    """A proxy in the environment plays no part."""
    command = [sys.executable, "-m", "samples.deliver", "example/webshop#12", "--to", f"{hook.address}/webhook"]
    environment = os.environ | {"WEBHOOK_SECRET": secret, "HTTP_PROXY": "http://127.0.0.1:1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, words in done.stdout) == (code, True), done.stdout


def test_the_button_of_another_app_is_ignored(hook: Hook) -> None:
    """As in the examples of @octokit/webhooks-examples."""
    event = {"action": "requested_action", "requested_action": {"identifier": "lgtm"}, "check_run": {"external_id": ""}}
    raw = json.dumps(event | {"repository": {"full_name": "a/b"}}).encode()
    answer = hook.post(raw, deliver.build_headers(raw, SECRET, "one", "check_run"))
    assert (answer.status_code, answer.json()["status"].partition(":")[0]) == (202, "ignored")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"action": "completed"},
        {"action": "completed", "requested_action": None},
        {"action": "completed", "requested_action": {}},
        {"action": "requested_action"},
    ],
)
def test_a_check_run_on_which_nobody_pressed_is_ignored(hook: Hook, event: dict[str, Any]) -> None:
    """GitHub's description (@octokit/openapi) requires neither the action nor the button."""
    raw = json.dumps(event | {"check_run": {}, "repository": {"full_name": "a/b"}}).encode()
    answer = hook.post(raw, deliver.build_headers(raw, SECRET, "one", "check_run"))
    assert (answer.status_code, answer.json()) == (202, {"status": "ignored: no button was pressed"})
